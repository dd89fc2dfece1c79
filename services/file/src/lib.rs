//! Uploads, pictures and their smaller forms.
