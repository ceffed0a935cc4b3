/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: sandbox */
#include "sandbox/proc.h"

#include "../lib/test.h"
#include "base/vec.h"
#include "sandbox.h"
#include "sandbox/internal.h"
#include "sandbox/user.h"

#include <dirent.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

static struct played p;

static bool has_proc(void)
{
	return strstr(sandbox_layers(cell), " proc") != NULL;
}

/* Start a sandbox with a shell, or skip the test if jobs have no procfs. */
static void set_up_shell(void)
{
	static const char *const programs[] = {
		"/bin/sh",
		"/bin/cat",
		"/bin/readlink",
		"/bin/tr",
	};

	/* A job must not find this variable of kfarmd. */
	setenv("KFARM_SECRET", "kfarm-secret", 1);
	open_cell(NULL, NULL);
	if (!has_proc())
		SKIP("jobs can have no procfs");
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		put_program(programs[i]);
}

static void tear_down(void)
{
	drop_job(&p);
	close_cell();
}

/* Run a shell script in the sandbox and return its output, borrowed. */
static const char *run_script(const char *script)
{
	char *env[] = { "LC_ALL=C", "PATH=/bin", NULL };
	struct sandbox_job job = {
		.argv = (char *[]){ "/bin/sh", "-c", (char *)script, NULL },
		.env = env,
		.stdin_fd = -1,
	};

	run_job(&p, &job);
	return buf_str(&p.output[0]);
}

FIXTURE_ONCE(require_sandbox, NULL);
FIXTURE(set_up_shell, tear_down);
TIMEOUT(120);

/* The shell is process 1.  Its child is process 2 and runs the program. */
static const struct proc_text {
	const char *script, *output;
} proc_texts[] = {
	{ "(cd /proc; echo [0-9]*); :", "1 2\n" },
	{ "cat /proc/sys/kernel/ostype /proc/cpuinfo /proc/cmdline "
	  "/proc/kallsyms; :",
	  "" },
	/* the client's environment, not kfarmd's */
	{ "tr '\\0' ' ' </proc/1/environ; :", "LC_ALL=C PATH=/bin " },
	{ "readlink /proc/self/cwd /proc/1/root /proc/2/root; :",
	  SANDBOX_OUT_DIR "\n/\n/\n" },
	/* objtool searches for the range of its stack */
	{ "while read -r line; do case $line in *'[stack]') echo stack ;; esac; "
	  "done </proc/self/maps",
	  "stack\n" },
	/* all mounts of the namespace, without the masks */
	{ "while read -r id parent device root point rest; do "
	  "case $point in /proc/*) ;; *) echo $root $point ;; esac; "
	  "done </proc/self/mountinfo",
	  "/view /\n"
	  "/null /dev/null\n"
	  "/zero /dev/zero\n"
	  "/urandom /dev/urandom\n"
	  "/ /proc\n" /* of the sandbox init */
	  "/ /proc\n"
	  "/ /.kfarm\n"
	  "/out /.kfarm/out\n"
	  "/tmp /.kfarm/tmp\n"
	  "/tmp /tmp\n" },
};

TEST_EACH(proc_describes_the_job_alone, proc_texts)
{
	ck_assert_str_eq(run_script(row->script), row->output);
}

/* Return true if every line of the file, without its newline, ends in ":/". */
static bool has_root_paths(const char *text)
{
	for (const char *end; (end = strchr(text, '\n')); text = end + 1) {
		if (end - text < 2 || end[-2] != ':' || end[-1] != '/')
			return false;
	}
	return !*text;
}

TEST(proc_hides_the_cgroup)
{
	struct buf own = { 0 };
	const char *text;
	bool hidden;

	must(fs_read("/proc/self/cgroup", 1 << 16, &own, &err));
	hidden = has_root_paths(buf_str(&own));
	buf_release(&own);
	if (hidden)
		SKIP("this process is in the root cgroup");
	text = run_script("cat /proc/1/cgroup /proc/2/cgroup; :");
	ck_assert(*text);
	ck_assert_msg(has_root_paths(text), "%s", text);
}

TEST(proc_self_exe_is_the_real_path_of_each_program)
{
	char *real = realpath("/bin/readlink", NULL);
	char *shell = realpath("/bin/sh", NULL);
	char *want = xasprintf("%s\n%s\n", real, shell);

	ck_assert_str_eq(run_script("readlink /proc/self/exe /proc/1/exe; :"),
			 want);
	free(want);
	free(shell);
	free(real);
}

/* Put a program that is linked with the option, and run it. */
static void run_linked(const char *option)
{
	char dir[] = "/tmp/kfarm-proc-XXXXXX";
	char *script, *program, *library;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	script = xasprintf("cd %s && echo 'int f(void){return 0;}' >l.c && "
			   "echo 'int f(void);int main(void){return f();}' "
			   ">m.c && gcc -shared -fPIC -o libkfarmx.so l.c && "
			   "gcc -o m m.c -L. -lkfarmx '%s'",
			   dir, option);
	program = xasprintf("%s/m", dir);
	library = xasprintf("%s/libkfarmx.so", dir);
	free(ask((char *[]){ "sh", "-c", script, NULL }));
	put_program("/usr/bin/env");
	put_copy(program, "/opt/tc/bin/m");
	put_copy(library, "/opt/tc/lib/libkfarmx.so");
	must(sandbox_put_symlink(cell, "/opt/m", "tc/bin/m", &err));
	must(sandbox_freeze(cell, "/opt/m", &err));
	run_argv(&p, (char *[]){ "/opt/m", NULL });
	must(fs_remove(dir, &err));
	free(library);
	free(program);
	free(script);
}

/* The RUNPATH of a toolchain in any directory may contain $ORIGIN. */
TEST(a_program_finds_its_libraries_by_origin)
{
	run_linked("-Wl,-rpath,$ORIGIN/../lib");
	must_be_well(&p);
}

/* Until the exec, /proc/self/exe of the job is this test program. */
TEST(a_program_cannot_make_kfarmd_its_loader)
{
	run_linked("-Wl,--dynamic-linker=/proc/self/exe");
	if (strstr(sandbox_layers(cell), " landlock-")) {
		ck_assert_int_eq(p.end.cause, SANDBOX_END_NOT_STARTED);
		ck_assert_int_eq(p.end.error, EACCES);
	}
	ck_assert(!ended_well(&p));
}

/* ------------------------------------------------- nodes without a procfs */

/*
 * Make a private mount namespace, in which this test can change the mounts of
 * the node.  Returns false if this user cannot.
 */
static bool has_private_mounts(void)
{
	return !unshare(CLONE_NEWNS) &&
	       !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

FIXTURE_ONCE(require_sandbox, NULL);
FIXTURE(NULL, tear_down);
TIMEOUT(120);

/* Like the engine of a container, cover files of /proc. */
TEST(without_a_procfs_only_the_link_to_the_driver_exists)
{
	if (!has_private_mounts())
		SKIP("this user can mount nothing");
	ck_assert(!mount("none", "/proc/sys", "tmpfs", 0, NULL));
	open_cell(NULL, NULL);
	if (str_starts(sandbox_layers(cell), "uid "))
		SKIP("without user namespaces, the procfs can be mounted");
	ck_assert_msg(!has_proc(), "%s", sandbox_layers(cell));
	put_program("/bin/ls");
	run_linked("-Wl,-rpath,$ORIGIN/../lib");
	must_be_well(&p);
	drop_job(&p);
	run_argv(&p, (char *[]){ "/bin/ls", "/proc", "/proc/self", NULL });
	must_be_well(&p);
	ck_assert_str_eq(buf_str(&p.output[0]),
			 "/proc:\nself\n\n/proc/self:\nexe\n");
}

/* mountinfo would show the path of the device node. */
TEST(a_dev_directory_on_a_disk_excludes_a_procfs)
{
	if (!has_private_mounts())
		SKIP("this user can mount nothing");
	if (mount("none", "/mnt", "tmpfs", 0, NULL) ||
	    mkdir("/mnt/node", 0755) ||
	    mknod("/mnt/node/null", S_IFCHR | 0666, makedev(1, 3)) ||
	    chmod("/mnt/node/null", 0666) ||
	    mount("/mnt/node/null", "/dev/null", NULL, MS_BIND, NULL))
		SKIP("this user can create no device node");
	open_cell(NULL, NULL);
	ck_assert_msg(!has_proc(), "%s", sandbox_layers(cell));
}

/* ------------------------------------------------ Linux without subset=pid */

/* Return true if nothing can be read from a file or directory of /proc. */
static bool is_masked(const char *name)
{
	char *path = xasprintf("/proc/%s", name), byte;
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	int n = 0;

	free(path);
	while (dir && readdir(dir))
		n++;
	return fd < 0 || (dir ? n == 2 : read(fd, &byte, 1) == 0);
}

/* As PID 1 of a sandbox.  Returns 0, or the number of a failed check. */
static int check_masks(void)
{
	static const char *const needed[] = { "sys", "cpuinfo", "version" };
	const struct sandbox_user_limits limits = { 1 << 20, 100 };
	struct sandbox_msg m = { 0 };
	struct dirent *e;
	int fds[2];
	DIR *d;

	if (sandbox_user_mount_root(&limits, &fds[0], &fds[1], &m))
		return 1;
	if (sandbox_proc_mount(SANDBOX_PROC_MASKED))
		return 2;
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		char *path = xasprintf("/proc/%s", needed[i]);

		if (access(path, F_OK))
			return 3;
	}
	d = opendir("/proc");
	while ((e = readdir(d))) {
		if (!strchr(".1", e->d_name[0]) && e->d_type != DT_LNK &&
		    !is_masked(e->d_name)) {
			puts(e->d_name);
			return 4;
		}
	}
	return access("/proc/self/maps", R_OK) || access("/proc/1/maps", R_OK) ?
		       5 :
		       0;
}

TEST(on_old_kernels_the_system_files_of_proc_are_masked)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		struct sandbox_uid_range jobs;
		struct sandbox_msg m = { 0 };

		if (sandbox_user_enter(&jobs, &m) || sandbox_user_unshare(&m))
			_exit(10);
		pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
		_exit(pid ? WEXITSTATUS(spawn_wait(pid)) : check_masks());
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
