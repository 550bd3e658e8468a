"""The customer's page: what there is and what is done, read only, logged in to with an access key."""
