//! Whole journeys through the program as its users know it, over HTTP: in one process and in nine, on embedded stores and on real
//! servers. The same bodies run in all.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    reason = "a test fails by panicking, and other tests use more of the support"
)]

#[path = "journeys/accounts.rs"]
mod accounts;
#[path = "journeys/browse.rs"]
mod browse;
#[path = "journeys/buy.rs"]
mod buy;
#[path = "journeys/finance.rs"]
mod finance;
#[path = "journeys/merchants.rs"]
mod merchants;
#[path = "journeys/offers.rs"]
mod offers;
#[path = "journeys/outside.rs"]
mod outside;
#[path = "journeys/pay.rs"]
mod pay;
#[path = "journeys/promotions.rs"]
mod promotions;
#[path = "journeys/refusals.rs"]
mod refusals;
#[path = "journeys/reindex.rs"]
mod reindex;
#[path = "journeys/returns.rs"]
mod returns;
#[path = "journeys/sandboxes.rs"]
mod sandboxes;
#[path = "journeys/settling.rs"]
mod settling;
#[path = "journeys/support.rs"]
mod support;

/// Each journey as a test of one way to run the platform.
macro_rules! journeys_in {
    ($mode:ident: $($part:ident: $($journey:ident)+;)+) => {
        mod $mode {
            $($(
                #[test]
                fn $journey() {
                    if let Some(platform) = crate::support::platform::$mode() {
                        crate::support::platform::run(crate::$part::$journey(platform));
                    }
                }
            )+)+
        }
    };
}

/// Each journey in every way: embedded stores or real servers, one process or nine.
macro_rules! journeys {
    ($($all:tt)+) => {
        journeys_in! { one_process: $($all)+ }
        journeys_in! { nine_processes: $($all)+ }
        journeys_in! { one_process_on_servers: $($all)+ }
        journeys_in! { nine_processes_on_servers: $($all)+ }
    };
}

journeys! {
    accounts:
        somebody_registers_and_signs_in
        a_refresh_token_works_once
        sessions_end
        a_profile_has_addresses_wishes_and_reviews;
    browse:
        products_are_listed_filtered_and_sorted
        a_product_has_its_page
        search_reads_both_scripts_and_russian
        answers_are_tagged_and_cached;
    reindex:
        the_index_is_built_anew_while_people_search
        the_command_line_builds_the_index_anew;
    buy:
        a_guest_buys_from_two_merchants
        a_shopper_hears_of_the_payment;
    pay:
        click_prepares_and_completes
        another_provider_after_a_failure
        payme_takes_back_before_it_pays
        what_is_sold_out_or_dearer_is_not_sold
        a_cart_moves_in_at_sign_in
        cash_goes_from_accepted_to_delivered
        a_cancelled_order_gives_its_goods_back;
    returns:
        a_paid_order_is_called_off
        the_cabinet_of_payme_ends_a_refund
        a_merchant_cancels_a_line_and_others_go_on
        goods_come_back
        a_merchant_gives_money_back;
    settling:
        a_fiscal_receipt_stands_on_the_order
        what_a_provider_says_is_compared
        cash_is_paid_at_the_door;
    merchants:
        somebody_becomes_a_merchant
        a_rejected_applicant_sells_nothing
        a_product_changes_and_goes
        servers_and_staff_work_for_a_merchant
        two_hundred_products_come_from_a_table
        a_picture_is_stored_in_four_sizes;
    finance:
        a_merchant_follows_its_money;
    offers:
        a_merchant_sells_in_bulk_and_ahead
        heavy_goods_cost_more_to_deliver;
    promotions:
        a_code_lowers_a_cart_and_stays_in_its_order
        merchants_lower_their_own_prices_only
        a_code_with_two_uses_is_used_twice
        free_delivery_is_shown_before_it_is_chosen
        the_cart_page_takes_a_code;
    refusals:
        bad_requests_change_nothing
        bodies_that_are_no_json;
    outside:
        pages_of_known_origins_may_call
        the_api_is_documented
        the_shop_speaks_three_languages
        every_role_is_ready
        metrics_are_not_public
        every_call_is_implemented
        strangers_call_no_service;
}

mod demo_only {
    use crate::support::platform::{one_process, run};

    #[test]
    fn a_stand_in_pays() {
        run(crate::sandboxes::a_stand_in_pays(one_process().unwrap()));
    }

    #[test]
    fn cards_pay_on_pages_of_their_providers() {
        run(crate::sandboxes::cards_pay_on_pages_of_their_providers(one_process().unwrap()));
    }

    #[test]
    fn click_issues_a_receipt() {
        run(crate::settling::click_issues_a_receipt(one_process().unwrap()));
    }

    #[test]
    fn click_gives_money_back() {
        run(crate::returns::click_gives_money_back(one_process().unwrap()));
    }

    #[test]
    fn a_person_presses_pay() {
        run(crate::sandboxes::a_person_presses_pay(one_process().unwrap()));
    }
}
