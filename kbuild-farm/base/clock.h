/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/clock.h - time that no one can set back, and CPU time.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* Microseconds and milliseconds since some fixed moment. */
uint64_t clock_us(void);
uint64_t clock_ms(void);
/* Microseconds of CPU that the calling thread has used. */
uint64_t clock_cpu_us(void);

#endif
