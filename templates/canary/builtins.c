/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Built-in functions, and the headers that belong to the compiler. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

int canary_va(const char *format, ...);
int canary_overflow(int32_t a, int32_t b, uint64_t *out, uint64_t c);
size_t canary_size(int which);
void *canary_frame(void);
int canary_strings(const char *s);

int canary_va(const char *format, ...)
{
	va_list ap, again;
	int sum = 0;

	va_start(ap, format);
	va_copy(again, ap);
	while (*format) {
		if (*format == 'd')
			sum += va_arg(ap, int);
		else if (*format == 'l')
			sum += (int)va_arg(ap, long long);
		else
			sum += *va_arg(ap, const char *);
		format++;
	}
	sum -= va_arg(again, int);
	va_end(again);
	va_end(ap);
	return sum;
}

int canary_overflow(int32_t a, int32_t b, uint64_t *out, uint64_t c)
{
	int32_t sum;

	if (__builtin_add_overflow(a, b, &sum) ||
	    __builtin_mul_overflow(c, *out, out))
		__builtin_trap();
	return __builtin_parity((unsigned)sum) + __builtin_ffs(a) +
	       __builtin_clrsb(b);
}

size_t canary_size(int which)
{
	char a[40];
	int b[9];
	void *p = which ? (void *)(a + 3) : (void *)(b + 2);

	__asm__ volatile("" : : "r"(p) : "memory");
	return __builtin_object_size(p, 0) + __builtin_object_size(a, 1) +
	       __builtin_types_compatible_p(size_t, unsigned long) +
	       __builtin_constant_p(which) + sizeof(ptrdiff_t) +
	       sizeof(wchar_t);
}

void *canary_frame(void)
{
	return (char *)__builtin_return_address(0) -
	       (uintptr_t)__builtin_frame_address(0);
}

int canary_strings(const char *s)
{
	char copy[24];

	__builtin_memset(copy, 'x', sizeof(copy));
	__builtin_memcpy(copy, s, 16);
	return __builtin_strlen("a constant") + __builtin_memcmp(copy, s, 4) +
	       __builtin_strcmp(s, "kfarm");
}
