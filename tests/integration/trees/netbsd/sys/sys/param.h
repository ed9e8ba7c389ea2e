#define	__NetBSD_Version__	1199000000	/* NetBSD 11.99.0 */
