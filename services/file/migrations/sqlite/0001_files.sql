-- What is known of each upload. The bytes lie beside this file, under paths computed from `digest`.
create table files (
    id         text    primary key,
    bucket     text    not null check (bucket in ('products', 'avatars', 'documents')),
    owner      text    not null,
    -- The first 20 bytes of the SHA-256 of the content as it was uploaded, hexadecimal.
    digest     text    not null check (length(digest) = 40),
    name       text    not null,
    size       integer not null check (size > 0),
    -- Measures and forms; null for a document that is not a picture.
    picture    text    check (picture is null or json_valid(picture)),
    created_at integer not null
) strict, without rowid;

-- The same content is one file of its owner, however often it is uploaded.
create unique index files_once on files (bucket, digest, owner);
