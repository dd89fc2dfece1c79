//! The memory of the process: mimalloc, told to give back what is freed.
//!
//! Password hashes and pictures take tens of megabytes for some milliseconds. By default mimalloc keeps such memory until the next
//! allocation of the same thread comes by, which on an idle platform is never.

pub use mimalloc::MiMalloc as Allocator;

/// `mi_option_purge_delay` of `mimalloc.h`, for which the bindings have no name.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

/// From now on, memory that is freed goes back to the system at once.
pub fn return_freed_memory() {
    // SAFETY: the function takes two integers by value, checks the first against the known options and may be called at any time.
    #[expect(unsafe_code, reason = "the bindings have no safe form")]
    unsafe {
        libmimalloc_sys::mi_option_set(PURGE_DELAY, 0);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_option_is_the_one_that_is_meant() {
        super::return_freed_memory();
        // The delay is ten milliseconds unless somebody has set it: it was nothing else that became zero.
        #[expect(unsafe_code, reason = "the bindings have no safe form")]
        let (before, delay, after) = unsafe {
            (
                libmimalloc_sys::mi_option_get(libmimalloc_sys::mi_option_os_tag),
                libmimalloc_sys::mi_option_get(super::PURGE_DELAY),
                libmimalloc_sys::mi_option_get(libmimalloc_sys::mi_option_max_errors),
            )
        };
        assert_eq!((before, delay), (100, 0));
        assert!(after > 0);
    }
}
