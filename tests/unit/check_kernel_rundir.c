/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: kernel */
#include "../lib/test.h"
#include "base/process.h"
#include "kernel-tree.h"
#include "kernel/rundir.h"

#include <sys/file.h>
#include <time.h>

static struct err err;

/* Start a process that lives until it is killed and is then a zombie. */
static pid_t sleeper(void)
{
	pid_t pid = fork();

	if (!pid) {
		pause();
		_exit(0);
	}
	return pid;
}

/*
 * The content of the file "make" for a process; `space` is the PID namespace.
 */
static char *note(pid_t make, unsigned long long start, ino_t space)
{
	return xasprintf("%d %llu %llu\n", (int)make, start,
			 (unsigned long long)space);
}

static ino_t our_space(void)
{
	struct stat st;

	ck_assert_int_eq(stat("/proc/self/ns/pid", &st), 0);
	return st.st_ino;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

FIXTURE(tree_set_up, tree_tear_down);

TEST(the_directory_has_its_parts)
{
	struct kernel_rundir r;
	char *last;

	must(kernel_rundir_create(&r, 3, &err));
	ck_assert(fs_is_dir(r.masquerade) && fs_is_dir(r.work));
	last = xasprintf("%s/2", r.slots);
	ck_assert(fs_exists(last));
	free(last);
	last = xasprintf("%s/3", r.slots);
	ck_assert(!fs_exists(last));
	free(last);
	last = xstrdup(r.dir);
	kernel_rundir_release(&r);
	ck_assert(!fs_exists(last));
	free(last);
}

TEST(a_process_is_known_by_its_start)
{
	pid_t pid = sleeper();

	ck_assert(process_start_ticks(pid) > 0);
	kill(pid, SIGKILL);
	while (process_start_ticks(pid))
		usleep(1000); /* a zombie counts as ended */
	waitpid(pid, NULL, 0);
	ck_assert(!process_start_ticks(pid));
	ck_assert(!process_start_ticks(0));
}

TEST(directories_of_the_dead_are_removed)
{
	struct kernel_rundir r;
	pid_t dead = sleeper();
	char *name = xasprintf("kfarm/%d/bin/gcc", (int)dead);

	put_file(name, "", 0644);
	end(dead);
	must(kernel_rundir_create(&r, 1, &err));
	ck_assert(!stands(name));
	kernel_rundir_release(&r);
	free(name);
}

TEST(one_whose_make_goes_on_stays)
{
	struct kernel_rundir r;
	pid_t dead = sleeper(), make = sleeper();
	char *name = xasprintf("kfarm/%d/make", (int)dead);
	char *text = note(make, process_start_ticks(make), our_space());

	put_file(name, text, 0644);
	end(dead);
	must(kernel_rundir_create(&r, 1, &err));
	ck_assert(stands(name));
	ck_assert_int_eq(kernel_rundir_make_pid(dead), make);
	kernel_rundir_release(&r);
	end(make);
	ck_assert_int_eq(kernel_rundir_make_pid(dead), 0);
	must(kernel_rundir_create(&r, 1, &err));
	ck_assert(!stands(name));
	kernel_rundir_release(&r);
	free(text);
	free(name);
}

/* A build in another container, whose process id does not exist here. */
TEST(one_that_is_locked_stays)
{
	struct kernel_rundir r;
	pid_t dead = sleeper();
	char *name = xasprintf("kfarm/%d/bin/gcc", (int)dead), *dir, *path;
	int fd;

	put_file(name, "", 0644);
	end(dead);
	path = at(name);
	dir = xstrndup(path, strlen(path) - strlen("/bin/gcc"));
	fd = open(dir, O_RDONLY | O_DIRECTORY);
	ck_assert(!kernel_rundir_is_active(dir));
	ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
	ck_assert(kernel_rundir_is_active(dir));
	must(kernel_rundir_create(&r, 1, &err));
	ck_assert(stands(name));
	kernel_rundir_release(&r);
	close(fd);
	must(kernel_rundir_create(&r, 1, &err));
	ck_assert(!stands(name));
	kernel_rundir_release(&r);
	free(dir);
	free(path);
	free(name);
}

TEST(two_of_one_number_have_two_directories)
{
	struct kernel_rundir a, b, c;
	char *want;

	must(kernel_rundir_create(&a, 1, &err));
	must(kernel_rundir_create(&b, 1, &err));
	want = xasprintf("%s.1", a.dir);
	ck_assert_str_eq(b.dir, want);
	ck_assert_int_eq(kernel_rundir_parse_pid(strrchr(want, '/') + 1),
			 getpid());
	ck_assert(fs_is_dir(a.masquerade) && fs_is_dir(b.masquerade));
	kernel_rundir_note_make(&b, getpid());
	ck_assert_int_eq(kernel_rundir_make_pid(getpid()), getpid());
	kernel_rundir_release(&a);
	ck_assert(fs_is_dir(b.masquerade));
	must(kernel_rundir_create(&c, 1, &err));
	ck_assert(fs_is_dir(b.masquerade));
	kernel_rundir_release(&b);
	ck_assert(!fs_exists(want));
	kernel_rundir_release(&c);
	free(want);
}

TEST(a_make_of_another_container_is_taken_to_run_for_a_day)
{
	struct timespec old[2] = { { .tv_sec = time(NULL) - 25 * 3600 },
				   { .tv_sec = time(NULL) - 25 * 3600 } };
	pid_t dead = sleeper();
	char *name = xasprintf("kfarm/%d/make", (int)dead), *path = at(name);
	char *text = note(getpid(), process_start_ticks(getpid()),
			  our_space() + 1);
	struct kernel_rundir r;

	put_file(name, text, 0644);
	end(dead);
	must(kernel_rundir_create(&r, 1, &err));
	ck_assert(stands(name));
	ck_assert_int_eq(kernel_rundir_make_pid(dead), 0);
	kernel_rundir_release(&r);
	ck_assert_int_eq(utimensat(AT_FDCWD, path, old, 0), 0);
	must(kernel_rundir_create(&r, 1, &err));
	ck_assert(!stands(name));
	kernel_rundir_release(&r);
	free(text);
	free(path);
	free(name);
}

TEST(another_process_of_that_number_is_not_make)
{
	char *name = xasprintf("kfarm/%d/make", (int)getpid());
	char *text = note(getpid(), 1, our_space());

	put_file(name, text, 0644);
	ck_assert_int_eq(kernel_rundir_make_pid(getpid()), 0);
	free(text);
	free(name);
}

TEST(make_is_noted)
{
	struct kernel_rundir r;
	pid_t make = sleeper();

	must(kernel_rundir_create(&r, 1, &err));
	kernel_rundir_note_make(&r, make);
	ck_assert_int_eq(kernel_rundir_make_pid(getpid()), make);
	end(make);
	kernel_rundir_release(&r);
}

TEST(garbage_in_the_note_is_nothing)
{
	char *name = xasprintf("kfarm/%d/make", (int)getpid());

	put_file(name, "-1 9999999999999999999999 x", 0644);
	ck_assert_int_eq(kernel_rundir_make_pid(getpid()), 0);
	put_file(name, "", 0644);
	ck_assert_int_eq(kernel_rundir_make_pid(getpid()), 0);
	free(name);
}
