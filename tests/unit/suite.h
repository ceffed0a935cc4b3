/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unit/suite.h - The end of a unit test's main(), and its search for leaks.
 */
#ifndef UNIT_SUITE_H
#define UNIT_SUITE_H

#include <check.h>
#include <signal.h>
#include <stdlib.h>

#ifdef __SANITIZE_ADDRESS__
#include <link.h>
#include <sanitizer/lsan_interface.h>
#include <string.h>

/*
 * LeakSanitizer runs at the end of each test.  By default it scans the global
 * variables of all libraries, including 11 MiB of the sanitizers' own, which
 * takes 50 ms.  Scan only the other libraries.
 */
const char *__lsan_default_options(void);

__attribute__((used)) const char *__lsan_default_options(void)
{
	return "use_globals=0";
}

static inline int suite_add_roots(struct dl_phdr_info *module, size_t size,
				  void *ctx)
{
	(void)size, (void)ctx;
	if (strstr(module->dlpi_name, "/libasan.so") ||
	    strstr(module->dlpi_name, "/libubsan.so"))
		return 0;
	for (int i = 0; i < module->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &module->dlpi_phdr[i];

		if (segment->p_type == PT_LOAD && segment->p_flags & PF_W)
			__lsan_register_root_region((char *)module->dlpi_addr +
							    segment->p_vaddr,
						    segment->p_memsz);
	}
	return 0;
}

static inline void suite_find_roots(void)
{
	dl_iterate_phdr(suite_add_roots, NULL);
}

/* Register at exit, because a test can load libraries. */
__attribute__((constructor)) static void suite_find_roots_at_exit(void)
{
	atexit(suite_find_roots);
}
#endif

/* Run the suite according to CK_VERBOSITY etc.; return the exit status. */
static inline int suite_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	/* nohup, or a shell's &, can have set them to ignored. */
	for (int i = SIGHUP; i <= SIGQUIT; i++)
		signal(i, SIG_DFL);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
