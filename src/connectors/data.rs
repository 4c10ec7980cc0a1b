//! `data`: pure computation.
