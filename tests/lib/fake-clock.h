/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lib/fake-clock.h - A clock that advances only under control of the test.  It
 * replaces base/clock.c, because the linker prefers a function of the test to
 * one in an archive.
 */
#ifndef LIB_FAKE_CLOCK_H
#define LIB_FAKE_CLOCK_H

#include "base/clock.h"

static uint64_t fake_clock_ms = 1000000;

uint64_t clock_ms(void)
{
	return fake_clock_ms;
}

uint64_t clock_us(void)
{
	return fake_clock_ms * 1000;
}

#endif
