/* The lines that hutch's patch is for. */
struct epoll_event {
	uint32_t events;	/* Epoll events */
	epoll_data_t data;	/* User data variable */
} __packed;

int epoll_create(int size);
int epoll_create1(int flags);
