/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Floating-point constants that the compiler itself calculates. */
double canary_floats[] = {
	1.0 / 3.0,	3.14159265358979323846, 1e-310,	     4.9e-324,
	1.7976931348623157e308, 0.1 + 0.2,	-0.0,	     1e16 + 1,
	1.0 / 7.0 * 49e-3,	__builtin_inf(), (double)0x1.fffffep127f,
};
float canary_singles[] = {
	1.0f / 3.0f, 16777217.0f, 1e-45f, 3.4028235e38f, 0x1.8p-149f,
};
long double canary_wide[] = {
	1.0L / 3.0L, 2.718281828459045235360287471352662498L, 1e-4000L,
};
const int canary_converted[] = {
	(int)1e9, (int)-2.9999999, (int)(0.1f * 10), (unsigned char)255.5,
	sizeof(long double), 3.0 == 3.0L, 0.1f == 0.1,
};
