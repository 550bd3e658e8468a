systemctl restart kubelet
