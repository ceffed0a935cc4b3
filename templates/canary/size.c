/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Code for which -Os and -O2 differ, and separate sections. */
extern int canary_other(const char *s, int n);
int canary_small(const char *s, int n, int *out);
static const char prefix[] = "canary: ";
int canary_state __attribute__((section(".init.data"))) = 5;

static int check(const char *s, int n)
{
	return s && n > 0 && n < 4096 ? canary_other(s, n) : -22;
}

int __attribute__((section(".init.text"))) canary_small(const char *s, int n,
							 int *out)
{
	int ret = check(prefix, sizeof(prefix) - 1);

	for (int i = 0; !ret && i < n; i++) {
		ret = check(s + i, n - i);
		out[i] = ret * canary_state / 10;
	}
	switch (ret) {
	case -22: return -1;
	case -12: return -2;
	case 0: return 0;
	}
	return ret % 10;
}
