//! What follows for a kind from its folder and its line in the table.
