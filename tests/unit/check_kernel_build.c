/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "kernel/build.h"

#include "../lib/test.h"
#include "base/clock.h"
#include "base/fs.h"
#include "kernel-run.h"
#include "tree/dirty.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>

static struct kernel_result result;
static struct stat driver;
static off_t driver_bytes; /* number of bytes read from the driver */

/* Replaces read(2) to count the bytes read from the compiler's driver. */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
ssize_t read(int fd, void *out, size_t size)
{
	ssize_t n = syscall(SYS_read, fd, out, size);
	struct stat st;

	if (n > 0 && !fstat(fd, &st) && st.st_ino == driver.st_ino &&
	    st.st_dev == driver.st_dev)
		driver_bytes += n;
	return n;
}

static void set_up(void)
{
	run_set_up();
	result = (struct kernel_result){ 0 };
}

static void tear_down(void)
{
	kernel_result_release(&result);
	run_tear_down();
}

static void build(void)
{
	kernel_result_release(&result);
	buf_reset(&told);
	make_plan();
	kernel_build(&result, &plan, &no_nodes, &hooks, &err);
}

FIXTURE(set_up, tear_down);
TIMEOUT(60);

TEST(a_successful_build_writes_artifacts_summary_and_metadata)
{
	char *path = at("out/metadata.json"), *text;

	words(&req.targets, "kernel modules dtbs");
	build();
	ck_assert_msg(result.status == KERNEL_STATUS_OK, "%s", err.text);
	text_starts(result.summary, "built kernel modules: arm64, gcc-");
	text_has(result.summary, "\njobs 0\n");
	ck_assert(stands("out/Image.gz") && stands("out/modules.tar.xz"));
	ck_assert(stands("out/reproducer.sh") && stands("out/build.log"));
	text = get_file(path);
	text_has(text, "\"status\": \"PASS\"");
	text_has(text, "6.1.7-rc3-mini");
	ck_assert(was_told("phase compile\n") && was_told("done 0\n"));
	free(text);
	free(path);
}

TEST(the_event_of_a_build_of_modules_names_their_directory)
{
	char *dir = at("hello"), *text = xasprintf("build M=%s modules\n", dir);

	put_file("hello/Makefile", "obj-m := hello.o\n", 0644);
	strv_addf(&req.variables, "M=%s", dir);
	build();
	ck_assert_msg(was_told(text), "%s", buf_str(&told));
	free(text);
	free(dir);
}

/* The version of bc depends on whether make has run. */
TEST(only_programs_of_kernel_builds_are_queried_and_after_make)
{
	char *path = at("out/metadata.json"), *text;

	put_file("tools/pppd", "#!/bin/sh\necho >\"$HOME/queried\"\n", 0755);
	make_plan();
	text = xasprintf("#!/bin/sh\ntest ! -e %s/.config || echo bc 7\n",
			 plan.builddir.dir);
	put_file("tools/bc", text, 0755);
	free(text);
	build();
	text = get_file(path);
	text_has(text, "\"bc\": \"bc 7\"");
	ck_assert(!stands("queried"));
	free(text);
	free(path);
}

TEST(a_build_reads_the_driver_once_to_identify_the_compiler)
{
	make_plan();
	ck_assert_int_eq(stat(plan.compiler.path, &driver), 0);
	kernel_build(&result, &plan, &no_nodes, &hooks, &err);
	ck_assert_int_ge(driver_bytes, driver.st_size);
	ck_assert_int_lt(driver_bytes, 2 * driver.st_size);
}

static char *reported_config;

static void on_build(void *ctx, const struct events_event *ev)
{
	(void)ctx;
	if (ev->kind == EVENTS_KIND_BUILD)
		reported_config = xstrdup(ev->config);
}

TEST(the_reported_configuration_has_no_password)
{
	struct events_subscriber report = { .on_event = on_build };

	events_hub_subscribe(hooks.hub, &report);
	make_plan();
	/* The plan has the content already. */
	req.kconfig = "http://joe:secret@example.org/config";
	kernel_build(&result, &plan, &no_nodes, &hooks, &err);
	ck_assert_str_eq(reported_config, "http://example.org/config");
	free(reported_config);
}

static int64_t reported_cpu_ms;

static void on_host(void *ctx, const struct events_event *ev)
{
	(void)ctx;
	if (ev->kind == EVENTS_KIND_HOST)
		reported_cpu_ms = ev->cpu_ms;
}

/* Return the CPU time that the process and its children have used, in ms. */
static int64_t used_cpu_ms(void)
{
	struct rusage self, children;

	getrusage(RUSAGE_SELF, &self);
	getrusage(RUSAGE_CHILDREN, &children);
	timeradd(&self.ru_utime, &self.ru_stime, &self.ru_utime);
	timeradd(&children.ru_utime, &children.ru_stime, &children.ru_utime);
	timeradd(&self.ru_utime, &children.ru_utime, &self.ru_utime);
	return self.ru_utime.tv_sec * 1000 + self.ru_utime.tv_usec / 1000;
}

TEST(the_cpu_time_of_a_second_build_excludes_the_first_build)
{
	static struct events_subscriber loads = { .on_event = on_host };
	int64_t before;

	words(&req.targets, "Image");
	events_hub_subscribe(hooks.hub, &loads);
	while ((before = used_cpu_ms()) < 200)
		;
	req.part_number = req.n_parts = 2;
	req.part_name = "second";
	build();
	ck_assert_msg(result.status == KERNEL_STATUS_OK, "%s", err.text);
	ck_assert_int_gt(reported_cpu_ms, 0);
	ck_assert_int_le(reported_cpu_ms, used_cpu_ms() - before + 1);
	events_hub_unsubscribe(hooks.hub, &loads);
}

TEST(post_make_actions_install_modules_and_collect_packages)
{
	char *root = at("root"),
	     *setting = xasprintf("INSTALL_MOD_PATH=%s", root);
	char *path = at("out/metadata.json"), *text;

	words(&req.variables, setting);
	words(&req.targets, "modules_install Image bindeb-pkg binrpm-pkg "
			    "targz-pkg headers");
	build();
	ck_assert_msg(result.status == KERNEL_STATUS_OK, "%s", err.text);
	ck_assert(stands("root/lib/modules/6.1.7/a.ko"));
	ck_assert(stands("out/linux-a.deb") && !stands("out/other.deb"));
	ck_assert(stands("out/kernel.rpm"));
	ck_assert(stands("out/linux-6.1.7-arm64.tar.gz"));
	ck_assert(stands("out/headers.tar.xz"));
	/* modules_install installs the modules, so they are not archived. */
	ck_assert(!stands("out/modules.tar.xz"));
	/* No other file is left next to kfarm's build directory. */
	ck_assert(!stands(".cache/kfarm/build/linux-a.deb"));
	ck_assert(!stands(".cache/kfarm/build/linux-a.buildinfo"));
	ck_assert(stands(".cache/kfarm/build/other.deb"));
	text = get_file(path);
	text_has(text, "\"linux-a.deb\"");
	/* The next build removes the files listed in metadata.json. */
	strv_release(&req.targets);
	words(&req.targets, "Image");
	build();
	ck_assert(!stands("out/linux-a.deb") && stands("out/Image"));
	free(text);
	free(path);
	free(setting);
	free(root);
}

TEST(the_build_directory_can_be_the_output_directory)
{
	req.build_dir = out_dir;
	words(&req.targets, "Image");
	build();
	ck_assert_msg(result.status == KERNEL_STATUS_OK, "%s", err.text);
	ck_assert(stands("out/.config") && stands("out/build.log"));
}

TEST(post_make_actions_are_skipped_after_a_failed_make)
{
	char *root = at("root"),
	     *setting = xasprintf("INSTALL_MOD_PATH=%s", root);

	words(&req.variables, setting);
	words(&req.targets, "broken modules_install");
	build();
	ck_assert_int_eq(result.status, KERNEL_STATUS_FAILED);
	ck_assert(!stands("root/lib"));
	text_has(result.summary, "\nskipped modules_install: make failed\n");
	free(setting);
	free(root);
}

TEST(modules_install_without_install_mod_path_is_rejected)
{
	words(&req.targets, "modules_install");
	build();
	ck_assert_int_eq(result.status, KERNEL_STATUS_SETUP);
	text_has(err.text, "INSTALL_MOD_PATH=DIR");
	ck_assert(!stands("out"));
}

TEST(a_missing_checker_is_reported_before_the_build)
{
	strv_add(&req.variables, "C=1");
	strv_add(&req.variables, "CHECK=no-such-checker -v");
	must(kernel_plan_init(&plan, &req, env.v, &err));
	err_is(kernel_build_check(&plan, &err), -ENOENT,
	       "C=1: no-such-checker not found in PATH");
}

/* C=0 runs no checker; only the shell can resolve the other commands. */
static const char *const passing_checkers[] = {
	"C=0",
	"C=1 CHECK=./no-such-checker",
	"C=1 CHECK=$(HOME)checker",
	"C=2 CHECK=X=1\tno-such-checker",
};

TEST_EACH(unused_and_unresolvable_checkers_pass_the_check, passing_checkers)
{
	words(&req.variables, *row);
	must(kernel_plan_init(&plan, &req, env.v, &err));
	must(kernel_build_check(&plan, &err));
}

TEST(a_failed_build_reports_errors_and_collects_no_image)
{
	char *path = at("out/metadata.json"), *text;

	words(&req.targets, "broken Image");
	build();
	ck_assert_int_eq(result.status, KERNEL_STATUS_FAILED);
	ck_assert_str_eq(err.text, "");
	text_starts(result.summary, "failed broken Image: ");
	text_has(result.summary, "errors 1 ");
	ck_assert(was_told("error a.c:3:4: error: no\n"));
	ck_assert(stands("out/config") && !stands("out/Image"));
	text = get_file(path);
	text_has(text, "\"status\": \"FAIL\"");
	free(text);
	free(path);
}

TEST(the_error_for_an_unknown_target_suggests_a_similar_one)
{
	/* Because a makefile contains the word, only make can reject it. */
	put_file("linux/arch/arm64/Makefile", "# Imag\n", 0644);
	words(&req.targets, "Imag");
	build();
	ck_assert_int_eq(result.status, KERNEL_STATUS_FAILED);
	ck_assert_str_eq(err.text, "this tree has no target \"Imag\" for "
				   "arm64; did you mean \"Image\"?");
}

TEST(the_summary_names_a_file_that_remains_in_the_build_directory)
{
	struct buf line = { 0 };
	char *path;

	words(&req.targets, "lib/one.o Image");
	build();
	ck_assert_msg(result.status == KERNEL_STATUS_OK, "%s", err.text);
	path = kernel_plan_path(&plan, "lib/one.o");
	buf_add_str(&line, "/out (build 1)\nmade ");
	fs_add_display_path(&line, path);
	buf_add_str(&line, "\n");
	ck_assert_msg(str_ends(result.summary, buf_str(&line)), "%s",
		      result.summary);
	buf_release(&line);
	free(path);
}

TEST(make_continues_after_an_error_unless_fail_fast_is_set)
{
	char *image;

	words(&req.targets, "broken Image");
	build();
	image = built("arch/arm64/boot/Image");
	free(image);
	req.fail_fast = true;
	req.jobs = 1;
	image = kernel_plan_path(&plan, "arch/arm64/boot/Image");
	unlink(image);
	build();
	ck_assert_int_eq(result.status, KERNEL_STATUS_FAILED);
	ck_assert(!fs_exists(image));
	free(image);
}

TEST(a_setting_rejected_by_kconfig_is_a_setup_error)
{
	words(&req.fragments, "CONFIG_NODEP=y");
	build();
	ck_assert_int_eq(result.status, KERNEL_STATUS_SETUP);
	text_has(err.text, "CONFIG_NODEP");
	ck_assert(was_told("done 1 Kconfig rejected settings"));
	ck_assert_ptr_null(result.summary);
}

TEST(a_script_compiler_fails_the_required_remote_share)
{
	put_file("tools/script-gcc", "#!/bin/sh\necho 12.1.0\n", 0755);
	req.toolchain = "script-";
	req.min_remote_percent = 90;
	build();
	ck_assert_int_eq(result.status, KERNEL_STATUS_OFFLOAD);
	text_has(err.text, "90 % are required");
	text_has(err.text, "is a script");
}

TEST(the_reproducer_script_recreates_the_build_directory)
{
	char *command, *config;

	words(&req.targets, "kernel");
	words(&req.fragments, "CONFIG_A=y");
	build();
	command = xasprintf("cd %s && mv %s first && "
			    "sh out/reproducer.sh >/dev/null && "
			    "diff -r first %s",
			    top, plan.builddir.dir, plan.builddir.dir);
	ck_assert_int_eq(system(command), 0);
	free(command);
	config = built(".config");
	text_has(config, "CONFIG_A=y");
	free(config);
}

/* Return true if the summary reports a build interrupted by this signal. */
static bool ended_by(int number, const char *summary)
{
	return result.signal == number &&
	       strstr(result.summary, "interrupted ") &&
	       strstr(result.summary, summary) && !was_told("No child");
}

/* Wait for a file in the build directory. */
static void wait_for_file(const char *name)
{
	char *path = kernel_plan_path(&plan, name);

	for (int i = 0; i < 1200 && !fs_exists(path); i++)
		usleep(50000);
	ck_assert(fs_exists(path));
	free(path);
}

/* Wait until the log contains this text. */
static void wait_for_log(const char *text)
{
	char *path = at("out/build.log"), *log = get_file(path);

	for (int i = 0; i < 1200 && !strstr(log, text); i++) {
		usleep(50000);
		free(log);
		log = get_file(path);
	}
	text_has(log, text);
	free(log);
	free(path);
}

/* Build in a child that receives a signal after it has logged `output`. */
static void interrupt(const char *target, int number, const char *output,
		      const char *summary)
{
	uint64_t began;
	pid_t pid;
	int status;

	words(&req.targets, target);
	make_plan();
	pid = fork();
	if (!pid) {
		kernel_build(&result, &plan, &no_nodes, &hooks, &err);
		_exit(ended_by(number, summary) ? 0 : 1);
	}
	wait_for_file("begun");
	wait_for_log(output);
	kill(pid, number);
	began = clock_ms();
	waitpid(pid, &status, 0);
	ck_assert_uint_lt(clock_ms() - began, 50000);
	ck_assert_int_eq(status, 0);
}

#define HELD_MS 1000

static pid_t holder; /* holds the lock of the build directory */

/* Another process holds the lock of the build directory until it is killed. */
static void hold_lock(void)
{
	int ready[2];
	char byte = 0;

	must(fs_mkdirs(plan.builddir.dir, 0755, &err));
	ck_assert_int_eq(pipe(ready), 0);
	holder = fork();
	if (!holder) {
		struct kernel_lock l;

		byte = kernel_lock_take(&l, plan.builddir.dir, &err) ? 'n' :
								       'y';
		if (write(ready[1], &byte, 1) == 1)
			pause();
		_exit(0);
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	ck_assert_int_eq(byte, 'y');
	close(ready[0]);
	close(ready[1]);
}

/* Kill the holder of the lock HELD_MS after the build has begun to wait. */
static void on_waiting(void *ctx, const struct events_event *ev)
{
	(void)ctx;
	if (ev->kind != EVENTS_KIND_NOTE || !holder ||
	    !strstr(ev->text, "waiting: "))
		return;
	usleep(HELD_MS * 1000);
	kill(holder, SIGKILL);
	waitpid(holder, NULL, 0);
	holder = 0;
}

static void ignore_wait(void *ctx, const char *text)
{
	(void)ctx;
	(void)text;
}

TEST(the_wall_time_excludes_the_wait_for_the_lock)
{
	struct events_subscriber waiter = { .on_event = on_waiting };
	uint64_t began, took; /* took: since the creation of the hub */
	json_t *root;
	double total;

	words(&req.targets, "Image");
	req.on_wait = ignore_wait;
	make_plan();
	hold_lock();
	events_hub_subscribe(hooks.hub, &waiter);
	began = clock_ms() - events_hub_elapsed_ms(hooks.hub);
	kernel_build(&result, &plan, &no_nodes, &hooks, &err);
	took = clock_ms() - began;
	events_hub_unsubscribe(hooks.hub, &waiter);
	ck_assert_msg(result.status == KERNEL_STATUS_OK, "%s", err.text);
	ck_assert_int_eq(holder, 0);
	root = kernel_outdir_read_metadata(out_dir);
	total = json_number_value(json_object_get(
		json_object_get(json_object_get(root, "results"), "duration"),
		"total"));
	ck_assert(total > 0);
	ck_assert_uint_le(result.wall_ms + HELD_MS, took + 2);
	ck_assert_uint_le((uint64_t)(total * 1000) + HELD_MS, took + 2);
	json_decref(root);
}

static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

TEST_EACH(a_signal_interrupts_the_build_and_removes_its_run_directory, signals)
{
	char *command;

	interrupt("slow", *row, "", "errors 0 ");
	command = xasprintf("! ls %s/kfarm | grep -q '[0-9]'", top);
	ck_assert_int_eq(system(command), 0);
	free(command);
}

/* The parameter has the name of the header and of a variable of this test. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
/* Replaces the check for local changes; it runs until it is cancelled. */
int tree_dirty_read(struct tree_dirty *out, const char *dir,
		    const atomic_bool *stop, struct err *err)
{
	(void)dir;
	(void)err;
	*out = (struct tree_dirty){ 0 };
	while (!atomic_load(stop))
		usleep(1000);
	return -ECANCELED;
}
#pragma GCC diagnostic pop

/* Raise a signal after make has ended and before the wait for the check. */
static void on_final_load(void *ctx, const struct events_event *ev)
{
	unsigned *n_loads = ctx;

	if (ev->kind == EVENTS_KIND_HOST && ++*n_loads == 2)
		raise(SIGTERM);
}

TEST(a_signal_after_make_ends_the_wait_for_the_dirty_check)
{
	unsigned n_loads = 0;
	struct events_subscriber loads = { .on_event = on_final_load,
					   .ctx = &n_loads };

	words(&req.targets, "Image");
	make_plan();
	free(plan.rev.commit);
	plan.rev.commit = xstrdup("0123456789abcdef0123456789abcdef01234567");
	events_hub_subscribe(hooks.hub, &loads);
	kernel_build(&result, &plan, &no_nodes, &hooks, &err);
	events_hub_unsubscribe(hooks.hub, &loads);
	ck_assert_uint_eq(n_loads, 2);
	ck_assert_msg(result.status == KERNEL_STATUS_OK, "%s", err.text);
	ck_assert_int_eq(result.signal, 0);
	ck_assert_int_eq(result.stop_signal, SIGTERM);
	ck_assert(was_told("note cannot determine local changes of the tree: "
			   "interrupted\n"));
	ck_assert(stands("out/Image"));
}

TEST(an_interrupted_build_ends_processes_of_other_sessions)
{
	char *pid;

	interrupt("stubborn", SIGINT, "", "errors 0 ");
	pid = built("pid");
	ck_assert_int_gt(atoi(pid), 1);
	ck_assert_int_eq(kill(atoi(pid), 0), -1);
	free(pid);
}

/*
 * The target "sulky" prints an error that GNU make itself sometimes prints,
 * because its signal handler races with its wait loop.
 */
TEST(make_errors_caused_by_the_interruption_are_not_counted)
{
	interrupt("broken sulky", SIGINT, "a.c:3:4: error: no\n", "errors 1 ");
}

TEST(make_continues_after_kfarm_is_killed_and_blocks_new_builds)
{
	char *done = at("done");
	pid_t pid;

	put_file("linux/Makefile",
		 "VERSION = 6\nPATCHLEVEL = 1\nSUBLEVEL = 1\n"
		 "defconfig:\n\t@touch $(O)/.config\n"
		 "long:\n\t@touch $(O)/begun; while test ! -e $(DONE).go; "
		 "do sleep 0.1; done; touch $(DONE)\n",
		 0644);
	words(&req.targets, "long");
	strv_addf(&req.variables, "DONE=%s", done);
	make_plan();
	pid = fork();
	if (!pid) {
		kernel_build(&result, &plan, &no_nodes, &hooks, &err);
		_exit(1);
	}
	wait_for_file("begun");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ck_assert(!fs_exists(done));
	/* The make of the killed kfarm still uses the build directory. */
	build();
	ck_assert_int_eq(result.status, KERNEL_STATUS_SETUP);
	text_has(err.text, "make, process ");
	put_file("done.go", "", 0644);
	for (int i = 0; i < 1200 && !fs_exists(done); i++)
		usleep(50000);
	ck_assert(fs_exists(done));
	free(done);
}
