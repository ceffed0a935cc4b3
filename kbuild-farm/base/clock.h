/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * base/clock.h - time that no one can set back.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/* Microseconds and milliseconds since some fixed moment. */
uint64_t clock_us(void);
uint64_t clock_ms(void);

#endif
