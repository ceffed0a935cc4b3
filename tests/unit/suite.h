/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unit/suite.h - the end of a unit test's main().
 */
#ifndef UNIT_SUITE_H
#define UNIT_SUITE_H

#include <check.h>
#include <signal.h>
#include <stdlib.h>

/* Runs the suite, as CK_VERBOSITY and others say: the exit status. */
static inline int suite_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	/* nohup, or a shell's &, may have had them ignored. */
	for (int i = SIGHUP; i <= SIGQUIT; i++)
		signal(i, SIG_DFL);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
