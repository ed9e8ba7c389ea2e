/* The lines that hutch's patch is for. */
		virtio_config_get(vndev->vdev,
				  __offsetof(struct virtio_net_config, mac),
				  &vndev->mtu, sizeof(vndev->mtu), 1);
