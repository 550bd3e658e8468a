# leaving_id: the id of the member whose peers find it at PEER; nothing where there is none.
leaving_id() { etcd_at "$(all_urls)" member list | awk -F ', ' -v peer="$PEER" '$4 == peer { print $1 }'; }
