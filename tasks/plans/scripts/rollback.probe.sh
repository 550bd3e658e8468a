is_back
