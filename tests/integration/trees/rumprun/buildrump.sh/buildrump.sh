of the tree
