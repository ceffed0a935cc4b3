/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Code that causes warnings, so that the texts of warnings are compared. */
int canary_unused(int a, unsigned b);
int canary_uninitialized(int a);
int canary_format(char *out);
int canary_indent(int a);
int *canary_address(void);

static int canary_nobody(void)
{
	return 1;
}

int canary_unused(int a, unsigned b)
{
	int left = 3;
	int array[4] = { 1, 2, 3, 4 };

	if (a = 4)
		return array[5];
	return a < b;
}

int canary_uninitialized(int a)
{
	int x;

	if (a > 3)
		x = 1;
	return x;
}

int canary_format(char *out)
{
	return __builtin_sprintf(out, "%s %d %lu", 3, "x", 4);
}

int canary_indent(int a)
{
	if (a)
		a++;
		a--;
	return a;
}

int *canary_address(void)
{
	int local = 3;
	unsigned *p = &local;

	return &local;
}
