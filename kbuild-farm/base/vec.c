/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/vec.h"

#include "base/str.h"

#include <stdint.h>
#include <string.h>

static void *resize(void *v, size_t n, size_t size)
{
	if (n > SIZE_MAX / size)
		str_out_of_memory();
	return xrealloc(v, n * size);
}

void *vec_grow(void *v, size_t n, size_t size)
{
	if (!(n & (n - 1)))
		v = resize(v, n ? 2 * n : 1, size);
	memset((char *)v + n * size, 0, size);
	return v;
}

void *vec_reserve(void *v, size_t *cap, size_t n, size_t size)
{
	if (n < *cap)
		return v;
	while (*cap <= n)
		*cap = *cap ? 2 * *cap : 32;
	return resize(v, *cap, size);
}
