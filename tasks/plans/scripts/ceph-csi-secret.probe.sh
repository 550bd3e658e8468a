stored
