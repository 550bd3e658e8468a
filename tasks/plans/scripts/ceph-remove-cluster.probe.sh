gone cephclusters
