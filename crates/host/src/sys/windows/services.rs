pub fn is_service() -> bool {
    false
}
