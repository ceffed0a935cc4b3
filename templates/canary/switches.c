/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Jump tables, bit tests, chains of comparisons, strings in sections. */
enum colour { RED, GREEN = 7, BLUE, CYAN = 64, GREY = 1000 };

int canary_dense(unsigned op, int a, int b);
int canary_sparse(unsigned long key);
const char *canary_name(enum colour c);
int canary_bits(int c);

int canary_dense(unsigned op, int a, int b)
{
	switch (op) {
	case 0: return a + b;
	case 1: return a - b;
	case 2: return a * b;
	case 3: return b ? a / b : 0;
	case 4: return a << (b & 31);
	case 5: return a >> (b & 31);
	case 6: return a & b;
	case 7: return a | b;
	case 8: return a ^ b;
	case 9: return ~a;
	case 10: return -b;
	case 11: a++; /* fall through */
	case 12: return a > b ? a : b;
	case 13 ... 19: return (int)op * a;
	default: return canary_bits(a);
	}
}

int canary_sparse(unsigned long key)
{
	switch (key) {
	case 3: return 1;
	case 1000: return 2;
	case 0x12345: return 3;
	case 0xfffffff0: return 4;
	case 77777: return 5;
	case 4096: return 6;
	}
	return 0;
}

const char *canary_name(enum colour c)
{
	switch (c) {
	case RED: return "red";
	case GREEN: return "green";
	case BLUE: return "blue";
	case CYAN: return "cyan";
	case GREY: return "grey, which is a longer name than the others\n";
	}
	return 0;
}

int canary_bits(int c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == ',' || c == ';' ||
	       c == '0' || c == 'x';
}
