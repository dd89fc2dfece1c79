//! Lists, categories and reviews.

use super::*;

async fn list(
    lab: &RunningLab,
    caller: &Caller,
    request: pb::ListProductsRequest,
) -> Outcome<pb::ListProductsResponse> {
    outcome(lab.act(caller.clone(), lab.mesh.product().list_products(request)).await)
}

#[tokio::test]
async fn lists_are_paged_by_cursor() {
    for ground in grounds() {
        let (lab, _ground, _) = shop(ground).await;
        let operator = staff(MerchantId::new(), StaffRole::Operator);
        for number in 0..25 {
            let mut draft = draft("Telefon", &format!("T-{number}"));
            if number % 5 == 0 {
                draft.status = pb::ProductStatus::Draft.into();
            }
            create(&lab, &operator, draft).await.unwrap();
        }
        for (caller, own, expected) in [(Caller::guest(), false, 20), (operator.clone(), true, 25)]
        {
            let filter =
                pb::ProductFilter { own, category: "elektronika".to_owned(), ..Default::default() };
            let mut page = value::PageRequest { limit: 7, count: true, ..Default::default() };
            let mut ids = std::collections::HashSet::new();
            loop {
                let request = pb::ListProductsRequest {
                    page: Some(page.clone()),
                    filter: Some(filter.clone()),
                    ..Default::default()
                };
                let answer = list(&lab, &caller, request).await.unwrap();
                ids.extend(answer.products.into_iter().map(|product| product.id));
                let info = answer.page.unwrap();
                assert_eq!(info.count, Some(expected));
                if info.next.is_empty() {
                    break;
                }
                page.after = info.next;
            }
            assert_eq!(u64::try_from(ids.len()).unwrap(), expected);
            // A cursor of one order is no place in another.
            let request = pb::ListProductsRequest {
                page: Some(page),
                sort: pb::ProductSort::Price.into(),
                ..Default::default()
            };
            assert_eq!(list(&lab, &caller, request).await.unwrap_err().2, ["after"]);
        }
        let own = pb::ProductFilter { own: true, ..Default::default() };
        let request = pb::ListProductsRequest { filter: Some(own), ..Default::default() };
        let refused = list(&lab, &Caller::guest(), request.clone()).await.unwrap_err();
        assert_eq!(refused.0, Code::Unauthenticated);
        let stranger = staff(MerchantId::new(), StaffRole::Viewer);
        assert!(list(&lab, &stranger, request).await.unwrap().products.is_empty());
        let nowhere = pb::ProductFilter { category: "yoq".to_owned(), ..Default::default() };
        let request = pb::ListProductsRequest { filter: Some(nowhere), ..Default::default() };
        assert!(list(&lab, &Caller::guest(), request).await.unwrap().products.is_empty());
        lab.stop().await;
    }
}

#[tokio::test]
async fn categories_count_what_is_below_them() {
    for ground in grounds() {
        let (lab, _ground, _) = shop(ground).await;
        let operator = staff(MerchantId::new(), StaffRole::Operator);
        let mut client = lab.mesh.product();
        for (sku, expected) in [("T-1", 1), ("T-2", 2)] {
            create(&lab, &operator, draft("Telefon", sku)).await.unwrap();
            let list = client.list_categories(pb::ListCategoriesRequest {});
            let list = lab.act(Caller::guest(), list).await.unwrap().into_inner().categories;
            let counts: Vec<_> = list
                .iter()
                .map(|it| (it.slug.as_str(), it.parent.as_str(), it.product_count))
                .collect();
            let tree = [("elektronika", "", expected), ("telefonlar", "elektronika", expected)];
            assert_eq!(counts, tree, "a write is seen at once");
        }
        let put = |slug: &str, parent: &str| pb::PutCategoryRequest {
            category: Some(pb::Category {
                slug: slug.to_owned(),
                title: Some(text("Bo‘lim")),
                parent: parent.to_owned(),
                ..Default::default()
            }),
        };
        let refused = lab.act(operator, client.put_category(put("yangi", ""))).await;
        assert_eq!(outcome(refused).unwrap_err().0, Code::Forbidden);
        let admin = Caller { roles: vec!["admin".to_owned()], ..Caller::user(UserId::new()) };
        for (slug, parent, field) in [
            ("Yangi", "", "slug"),
            ("yangi", "yoq", "parent"),
            ("elektronika", "telefonlar", "parent"),
        ] {
            let refused = lab.act(admin.clone(), client.put_category(put(slug, parent))).await;
            assert_eq!(outcome(refused).unwrap_err().2, [field]);
        }
        let renamed = lab.act(admin, client.put_category(put("telefonlar", "elektronika"))).await;
        let renamed = outcome(renamed).unwrap().category.unwrap();
        assert_eq!((renamed.title.unwrap().uz.as_str(), renamed.product_count), ("Bo‘lim", 2));
        lab.stop().await;
    }
}

#[tokio::test]
async fn shoppers_review_products() {
    for ground in grounds() {
        let (lab, _ground, notes) = shop(ground).await;
        let operator = staff(MerchantId::new(), StaffRole::Operator);
        let product = create(&lab, &operator, draft("Telefon", "T-1")).await.unwrap();
        let product = product.product.unwrap().id;
        let request = |rating, text: &str| pb::PutReviewRequest {
            product_id: product.clone(),
            rating,
            text: text.to_owned(),
            author: "Lola".to_owned(),
            ..Default::default()
        };
        let mut client = lab.mesh.product();
        let refused = lab.act(Caller::guest(), client.put_review(request(5, "Zo‘r"))).await;
        assert_eq!(outcome(refused).unwrap_err().0, Code::Unauthenticated);
        let lola = Caller::user(UserId::new());
        for (wrong, field) in [(request(6, "Zo‘r"), "rating"), (request(5, " "), "text")] {
            let refused = lab.act(lola.clone(), client.put_review(wrong)).await;
            assert_eq!(outcome(refused).unwrap_err().2, [field]);
        }
        for rating in [1, 4] {
            lab.act(lola.clone(), client.put_review(request(rating, "Zo‘r"))).await.unwrap();
        }
        let other = Caller::user(UserId::new());
        let second = lab.act(other.clone(), client.put_review(request(5, "Yaxshi"))).await.unwrap();
        let second = second.into_inner().review.unwrap();
        let read = get(&lab, &Caller::guest(), &product).await.unwrap();
        assert!((read.rating_average - 4.5).abs() < f64::EPSILON);
        assert_eq!((read.rating_count, read.version), (2, 1));

        let of = |product: &str, user: &str, after: &str| pb::ListReviewsRequest {
            product_id: product.to_owned(),
            user_id: user.to_owned(),
            page: Some(value::PageRequest { limit: 1, after: after.to_owned(), count: true }),
        };
        let guest = Caller::guest();
        let first = lab.act(guest.clone(), client.list_reviews(of(&product, "", ""))).await;
        let first = outcome(first).unwrap();
        let info = first.page.unwrap();
        assert_eq!(info.count, Some(2));
        let rest = lab.act(guest, client.list_reviews(of(&product, "", &info.next))).await;
        let rest = outcome(rest).unwrap();
        assert_eq!(rest.reviews.len(), 1);
        assert!(rest.page.unwrap().next.is_empty());
        let user = lola.user.unwrap().to_string();
        let own = lab.act(lola.clone(), client.list_reviews(of("", &user, ""))).await;
        assert_eq!(outcome(own).unwrap().reviews[0].user_id, user);
        let spied = lab.act(other, client.list_reviews(of("", &user, ""))).await;
        assert_eq!(outcome(spied).unwrap_err().0, Code::NotFound);

        let delete = || pb::DeleteReviewRequest { id: second.id.clone() };
        let refused = lab.act(lola, client.delete_review(delete())).await;
        assert_eq!(outcome(refused).unwrap_err().1, "REVIEW_NOT_FOUND");
        lab.as_service(client.delete_review(delete())).await.unwrap();
        eventually("search hears of each change", || async {
            notes.told(&product).iter().filter(|kind| *kind == "review.added").count() == 4
        })
        .await;
        let events = notes.events.lock().unwrap().clone();
        let last = events.iter().rfind(|event| event.r#type == "review.added").unwrap();
        let Some(events::event::Data::Review(rating)) = &last.data else { unreachable!() };
        assert_eq!((last.version, rating.rating_count), (4, 1));
        lab.stop().await;
    }
}
