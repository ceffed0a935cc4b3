/* SPDX-License-Identifier: GPL-2.0-or-later */
/* base/clock.h - Monotonic time and CPU time. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* Return microseconds or milliseconds since a fixed moment. */
uint64_t clock_us(void);
uint64_t clock_ms(void);
/* Return the CPU time of the calling thread in microseconds. */
uint64_t clock_cpu_us(void);

#endif
