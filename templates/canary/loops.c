/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loops that are unrolled, reversed, or replaced by library calls. */
void canary_copy(char *restrict to, const char *restrict from, unsigned n);
unsigned canary_sum(const unsigned short *v, unsigned n);
int canary_matrix(int (*a)[8], int (*b)[8], int (*c)[8]);
unsigned canary_crc(unsigned crc, const unsigned char *p, unsigned long n);

void canary_copy(char *restrict to, const char *restrict from, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		to[i] = from[i];
	for (unsigned i = 0; i < 64; i++)
		to[n + i] = 0;
}

unsigned canary_sum(const unsigned short *v, unsigned n)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < n; i += 3)
		sum += v[i] * (i | 1);
	return sum;
}

int canary_matrix(int (*a)[8], int (*b)[8], int (*c)[8])
{
	int trace = 0;

	for (int i = 0; i < 8; i++) {
		for (int j = 0; j < 8; j++) {
			int sum = 0;

			for (int k = 0; k < 8; k++)
				sum += a[i][k] * b[k][j];
			c[i][j] = sum;
		}
		trace += c[i][i];
	}
	return trace;
}

unsigned canary_crc(unsigned crc, const unsigned char *p, unsigned long n)
{
	while (n--) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return crc;
}
