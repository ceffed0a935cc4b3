/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: cli */
/*
 * Builds found by their directories; their sockets send nothing.  Recordings
 * read from a FIFO.
 */
#include "cli/top-sources.h"

#include "../lib/private-tmp.h"
#include "../lib/tempdir.h"
#include "../lib/test.h"
#include "../lib/turn-loop.h"
#include "base/list.h"
#include "base/socket.h"

#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>

static char dir[TEMPDIR_SIZE];
static struct top top;
static struct top_builds *all;
static struct err err;

static const struct top_ops ops = { 0 };

static void set_up(void)
{
	signal(SIGPIPE, SIG_IGN);
	tempdir_make(dir);
	setenv("XDG_RUNTIME_DIR", dir, 1);
	top_init(&top, event_base_new(), &ops, NULL);
	must(top_builds_new(&all, &top, &err));
}

static void tear_down(void)
{
	top_builds_free(all);
	top_release(&top);
	event_base_free(top.base);
	tempdir_remove(dir);
}

/* The directory of a build, like that of kernel/rundir. */
struct place {
	int lock, socket;
};

static struct place place_new_at(const char *path)
{
	char *events = xasprintf("%s/events", path);
	struct place p;

	must(fs_mkdirs(path, 0700, &err));
	p.lock = open(path, O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(flock(p.lock, LOCK_EX | LOCK_NB), 0);
	p.socket = socket_listen(events, 1, &err);
	ck_assert_int_ge(p.socket, 0);
	free(events);
	return p;
}

static struct place place_new(const char *name)
{
	char *path = xasprintf("%s/kfarm/%s", dir, name);
	struct place p = place_new_at(path);

	free(path);
	return p;
}

/* Close the connection of a waiting client. */
static void place_hang_up(const struct place *p)
{
	int fd = accept(p->socket, NULL, NULL);

	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void look_until(unsigned running)
{
	for (int i = 0; top_builds_refresh(all) != running; i++) {
		ck_assert_int_lt(i, 6000);
		turn_loop(top.base, 10);
	}
	top_builds_refresh(all);
}

static unsigned pages_of(pid_t pid)
{
	struct top_page *p;
	unsigned n = 0;

	list_for_each(p, &top.pages, entry)
		n += p->pid == pid && !p->ended;
	return n;
}

FIXTURE(set_up, tear_down);
TIMEOUT(120);

TEST(builds_with_the_same_process_id_are_listed_separately)
{
	struct place a = place_new("41"), b = place_new("41.1"),
		     c = place_new("42.17"), d = place_new("42.x"),
		     e = place_new("bench");

	ck_assert_uint_eq(top_builds_refresh(all), 3);
	ck_assert_uint_eq(top_builds_refresh(all), 3); /* each once */
	ck_assert_uint_eq(pages_of(41), 2);
	ck_assert_uint_eq(pages_of(42), 1);
	for (const struct place *p = (struct place[]){ a, b, c, d, e, { 0 } };
	     p->socket; p++) {
		close(p->lock);
		close(p->socket);
	}
}

/* The process id can be that of a build in another container. */
TEST(a_build_with_a_locked_directory_is_not_reported_as_killed)
{
	struct place p = place_new("1073741823.1");
	struct top_page *page;

	ck_assert_uint_eq(top_builds_refresh(all), 1);
	page = TAILQ_FIRST(&top.pages);
	place_hang_up(&p);
	look_until(0);
	ck_assert(!page->ended);
	close(p.lock);
	top_builds_refresh(all);
	ck_assert(page->ended);
	ck_assert_str_eq(page->end_reason, "its kfarm process was killed");
	close(p.socket);
}

/* For example, a build that cron has started. */
TEST(builds_inside_and_outside_of_the_login_session_are_found)
{
	char *login = xasprintf("/run/user/%d", (int)geteuid());
	char *inside = xasprintf("%s/kfarm/41", login);
	char *outside = xasprintf("/tmp/kfarm-%d/42", (int)geteuid());
	struct place a, b;

	if (!private_tmp_mount())
		SKIP("no private /tmp: %s", strerror(errno));
	a = place_new_at(inside);
	b = place_new_at(outside);
	ck_assert_uint_eq(top_builds_refresh(all), 0);
	setenv("XDG_RUNTIME_DIR", login, 1);
	ck_assert_uint_eq(top_builds_refresh(all), 2);
	ck_assert_uint_eq(pages_of(41), 1);
	ck_assert_uint_eq(pages_of(42), 1);
	unsetenv("XDG_RUNTIME_DIR");
	ck_assert_uint_eq(top_builds_refresh(all), 2);
	close(a.lock);
	close(a.socket);
	close(b.lock);
	close(b.socket);
	private_tmp_unmount();
	free(outside);
	free(inside);
	free(login);
}

TEST(the_last_byte_of_a_recording_can_arrive_alone)
{
	static const char recording[] =
		"{\"t\":0,\"event\":\"stream\",\"version\":1,\"pid\":42}\n"
		"{\"t\":0,\"event\":\"done\",\"status\":0,\"seconds\":1}";
	char *path = xasprintf("%s/recording", dir);
	const struct top_playback_setup setup = { .file = path,
						  .speed_milli = 1000 };
	struct top_playback *p;
	struct top_page *page;
	int fd;

	ck_assert_int_eq(mkfifo(path, 0600), 0);
	fd = open(path, O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, recording, strlen(recording)),
			 (ssize_t)strlen(recording));
	must(top_playback_new(&p, &top, &setup, &err));
	page = TAILQ_FIRST(&top.pages);
	ck_assert_int_eq(page->pid, 42);
	ck_assert(!page->model.done);
	ck_assert_int_eq(write(fd, "\n", 1), 1);
	while (!page->ended)
		event_base_loop(top.base, EVLOOP_ONCE);
	ck_assert(page->model.done);
	ck_assert_ptr_null(page->end_reason);
	top_playback_free(p);
	close(fd);
	free(path);
}
