//! Tools for testing plugins.
