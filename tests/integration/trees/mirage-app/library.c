int library(void)
{
	return 1;
}
