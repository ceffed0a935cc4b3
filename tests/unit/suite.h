/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unit/suite.h - the end of a unit test's main().
 */
#ifndef UNIT_SUITE_H
#define UNIT_SUITE_H

#include <check.h>
#include <stdlib.h>

/* Runs the suite, as CK_VERBOSITY and others say: the exit status. */
static inline int suite_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
