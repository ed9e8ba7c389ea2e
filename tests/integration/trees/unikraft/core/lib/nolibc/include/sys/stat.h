/* The lines that hutch's patch is for. */
 * is different.
 */

struct stat {
	dev_t st_dev;
	ino_t st_ino;
	struct timespec st_ctim;
	long unused[3];
};

#define st_atime st_atim.tv_sec
#define st_mtime st_mtim.tv_sec
