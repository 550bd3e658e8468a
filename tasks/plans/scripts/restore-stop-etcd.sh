systemctl stop etcd
running() { systemctl is-active --quiet etcd; }
! running || fail "etcd on $SANQIAN_HOST does not end." "On the host: systemctl status etcd. Then retry."
printf 'etcd has ended\n'
