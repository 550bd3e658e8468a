within 120 node_gone || fail "The cluster still has the node $NODE." "Its kubelet may have registered it again: stop kubelet on the host."
