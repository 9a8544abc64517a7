//! The registry document.
