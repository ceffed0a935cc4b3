/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: toolchain */
/* threads: short */
/* A manifest that a worker thread and the event loop use concurrently. */
#include "../lib/test.h"
#include "toolchain-driver.h"

#include "base/task.h"

#include <sched.h>
#include <stdatomic.h>

static struct compiler_manifest m;
static atomic_bool ended;
static atomic_uint n_checks;

static void set_up(void)
{
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void tear_down(void)
{
	struct err ignored;

	compiler_manifest_release(&m);
	fs_remove(dir, &ignored);
}

static void check_until_ended(void *arg)
{
	struct err ignored;

	while (!atomic_load(&ended)) {
		compiler_manifest_check_unchanged(arg, &ignored);
		atomic_fetch_add(&n_checks, 1);
	}
}

FIXTURE(set_up, tear_down);
TIMEOUT(120);

TEST(a_thread_can_check_while_the_stamps_are_replaced)
{
	char *env[] = { (char *)"PATH=" COMPILER_TOOLCHAIN_PATH, NULL };
	char *driver = make_driver("bin/gcc", as_here, "-s", NULL);
	struct compiler_manifest newer;
	struct task *worker;

	make_cc1();
	must(compiler_manifest_make(&m, driver, env, &err));
	worker = task_start(check_until_ended, &m);
	ck_assert_ptr_nonnull(worker);
	for (unsigned i = 0; i < 10; i++) {
		unsigned before = atomic_load(&n_checks);

		must(compiler_manifest_make(&newer, driver, env, &err));
		ck_assert(compiler_manifest_take_stamps(&m, &newer));
		compiler_manifest_release(&newer);
		compiler_manifest_check_quick(&m);
		while (atomic_load(&n_checks) < before + 2)
			sched_yield();
	}
	atomic_store(&ended, true);
	task_join(worker);
	must(compiler_manifest_check_unchanged(&m, &err));
	free(driver);
}
