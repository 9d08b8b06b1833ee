//! Tests of the RBAC model, by what they are about.
