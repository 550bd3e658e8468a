"""A real small Ceph on this machine, driven through good and bad states to record what it says of them."""
