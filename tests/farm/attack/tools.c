/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attack/tools.c - Toolchains to install on a node: hostile ids, paths and
 * links, excessive sizes, wrong digests, and interruptions.  No file is written
 * outside the toolchain's directory, no incomplete toolchain has a final name,
 * and the node keeps responding.
 */
#include "client.h"

#include "base/clock.h"
#include "base/fs.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#define ID "gcc-1.2.3-evil"

static struct bytes text(const char *s)
{
	return (struct bytes){ (const uint8_t *)s, strlen(s) };
}

/* Return kfarmd's default directory of toolchains, next to the store. */
static char *kept_dir(const struct scene *s, const char *more)
{
	char *up = str_dir(s->store);
	char *dir = xasprintf("%s/toolchains%s", up, more);

	free(up);
	return dir;
}

/* Count the installed toolchains, without hidden entries. */
static unsigned count_kept(const struct scene *s)
{
	char *path = kept_dir(s, "");
	DIR *d = opendir(path);
	struct dirent *e;
	unsigned n = 0;

	while (d && (e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	if (d)
		closedir(d);
	free(path);
	return n;
}

static bool lives(struct node *n)
{
	int status;

	if (waitpid(n->pid, &status, WNOHANG) == 0)
		return true;
	return WIFEXITED(status);
}

/*
 * End a case: the toolchain was refused or the session has ended.  Check that
 * the node is alive, was never silent, and has `wanted` toolchains.
 */
static void end(struct scene *s, struct node *n, const char *name, bool refused,
		unsigned wanted)
{
	unsigned kept = count_kept(s);
	bool alive = lives(n);

	scene_result(s, name, refused && alive && kept == wanted && !n->silent,
		     "%s, %s%s, %u are kept: %s", refused ? "refused" : "taken",
		     alive ? "alive" : "crashed", n->silent ? ", silent" : "",
		     kept,
		     n->bye      ? n->bye :
		     n->has_have ? n->have.detail :
				   "");
	node_stop(n);
}

/* Return true if it is refused or the session ends. */
static bool refuses(struct node *n, unsigned ms)
{
	node_wait(n, node_has_have, ms);
	return n->over || (n->has_have && n->have.state != WIRE_HAVE_READY);
}

static void bundle_lie(struct scene *s, const char *name, const char *id,
		       const struct file *files, size_t n_files,
		       const struct digest *tree)
{
	struct bundle g = { id, NULL, files, n_files, tree };
	struct node *n = node_start(s->kfarmd);

	node_bundle(n, &g);
	end(s, n, name, refuses(n, 20000), 0);
}

static void odd_ids(struct scene *s)
{
	static const char *const ids[] = { "..",  ".",     "../x",
					   "a/b", ".live", "/etc/x",
					   "",    "a\nb",  "-x" };
	struct file f = { .path = "bin/x", .content = text("x") };

	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		char *name = xasprintf("tools: the id \"%s\"",
				       strcmp(ids[i], "a\nb") ? ids[i] :
								"a, newline");

		bundle_lie(s, name, ids[i], &f, 1, NULL);
		free(name);
	}
}

static void odd_paths(struct scene *s)
{
	static const char *const paths[] = { "../x",      "/etc/kfarm-evil",
					     "a/../../x", "a//b",
					     ".",         "a/",
					     "",          ".kfarm",
					     ".damage",   "toolchain.json" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		struct file f[] = { { .path = "bin/x", .content = text("x") },
				    { .path = paths[i],
				      .content = text("evil") } };
		char *name = xasprintf("tools: the path \"%s\"", paths[i]);

		bundle_lie(s, name, ID, f, 2, NULL);
		free(name);
	}
}

static void odd_links(struct scene *s)
{
	struct file out[] = {
		{ .path = "l", .kind = WIRE_INODE_SYMLINK, .target = "/etc" },
	};
	struct file up[] = {
		{ .path = "a/l",
		  .kind = WIRE_INODE_SYMLINK,
		  .target = "../../.." },
	};
	struct file through[] = {
		{ .path = "d/f", .content = text("x") },
		{ .path = "l", .kind = WIRE_INODE_SYMLINK, .target = "d" },
		{ .path = "l/g", .content = text("x") },
	};
	struct file below[] = {
		{ .path = "f", .content = text("x") },
		{ .path = "f/g", .content = text("x") },
	};
	struct file twice[] = {
		{ .path = "f", .content = text("x") },
		{ .path = "f", .content = text("y") },
	};
	struct file late[] = {
		{ .path = "d", .kind = WIRE_INODE_DIR },
		{ .path = "d", .kind = WIRE_INODE_SYMLINK, .target = "." },
		{ .path = "d/f", .content = text("x") },
	};

	bundle_lie(s, "tools: a link to /etc", ID, out, 1, NULL);
	bundle_lie(s, "tools: a link that climbs out", ID, up, 1, NULL);
	bundle_lie(s, "tools: a file through a link", ID, through, 3, NULL);
	bundle_lie(s, "tools: a file below a file", ID, below, 2, NULL);
	bundle_lie(s, "tools: a path twice", ID, twice, 2, NULL);
	bundle_lie(s, "tools: a directory that becomes a link", ID, late, 3,
		   NULL);
}

static void wrong_tree(struct scene *s)
{
	struct file f = { .path = "bin/x", .content = text("x") };
	struct digest tree = { .b = { 1, 2, 3 } };

	bundle_lie(s, "tools: another digest", ID, &f, 1, &tree);
	bundle_lie(s, "tools: no file at all", ID, NULL, 0, NULL);
}

/* Send a requested blob with the wrong content. */
static void wrong_blob(struct scene *s)
{
	struct file lie = { .path = "bin/x", .content = text("not asked") };
	struct digest tree = { .b = { 1 } };
	struct bundle g = { .id = ID, .tree = &tree };
	struct wire_entry e = { .inode.size = 5 };
	struct wire_view m = { .view = 1,
			       .part = WIRE_PART_TOOLCHAIN_END,
			       .n_entries = 1,
			       .entries = &e };
	struct node *n = node_start(s->kfarmd);

	digest_bytes(text("right"), &e.inode.digest);
	e.path = node_path(n, "/bin/x");
	m.cell = node_bundle_open(n, &g);
	/* The toolchain is refused before the node requests blobs. */
	node_bundle_send(n, &m, &lie);
	node_blob(n, text("right"));
	end(s, n, "tools: a blob that nobody asked for", refuses(n, 20000), 0);
}

/* 10^6 files, of which 65,536 are allowed, and files of 1 GiB each. */
static void too_many(struct scene *s, const char *name, unsigned files,
		     uint64_t size)
{
	const unsigned each = 10000;
	struct wire_entry *e = xcalloc(each, sizeof(*e));
	struct bundle g = { .id = ID };
	struct wire_view m = { .entries = e };
	struct node *n = node_start(s->kfarmd);

	m.cell = node_bundle_open(n, &g);
	for (unsigned at = 0; at < files && !n->over; at += m.n_entries) {
		m.view++;
		m.n_entries = files - at < each ? files - at : each;
		for (unsigned i = 0; i < m.n_entries; i++) {
			char *path = xasprintf("/d/%u", at + i);

			e[i] = (struct wire_entry){
				.inode.kind = WIRE_INODE_FILE,
				.inode.size = size
			};
			wire_paths_add(n->paths, path, &e[i].path);
			put_le32(e[i].inode.digest.b, at + i);
			free(path);
		}
		m.part = at + m.n_entries == files ? WIRE_PART_TOOLCHAIN_END :
						     WIRE_PART_TOOLCHAIN;
		node_bundle_send(n, &m, NULL);
	}
	end(s, n, name, refuses(n, 60000), 0);
	free(e);
}

static void floods(struct scene *s)
{
	struct wire_tools t = { .verify = 1 };
	struct node *n = node_start(s->kfarmd);
	struct buf b = { 0 };

	for (uint32_t i = 0; i < 5000 && !n->over; i++) {
		t.request_id = i;
		buf_reset(&b);
		wire_tools_encode(&b, &t);
		node_send(n, WIRE_TOOLS, buf_bytes(&b));
	}
	node_wait(n, node_is_over, 3000);
	end(s, n, "tools: 5,000 questions", true, 0);
	n = node_start(s->kfarmd);
	for (uint32_t i = 0; i < 2000 && !n->over; i++) {
		struct bundle g = { .id = ID };

		node_bundle_open(n, &g);
	}
	end(s, n, "tools: 2,000 that never end",
	    node_wait(n, node_is_over, 20000), 0);
	buf_release(&b);
}

/* ------------------------------------------------------- interruptions */

#define FILES 60

/* Make new contents, and a valid toolchain of them. */
static void make_files(struct file *f, unsigned round)
{
	for (unsigned i = 0; i < FILES; i++) {
		char *content = xasprintf("%u %u %*s", round, i, 5000, "");

		f[i] = (struct file){ .path = xasprintf("t/d%u/%u", i % 7, i),
				      .content = text(content) };
	}
}

static void free_files(struct file *f)
{
	for (unsigned i = 0; i < FILES; i++) {
		free((char *)f[i].path);
		free((char *)f[i].content.data);
	}
}

/* Return true if the toolchain of that name is complete or absent. */
static bool is_whole(struct node *n, bool *there)
{
	const struct wire_held *held = node_tools(n, true);

	*there = held->n_toolchains == 1;
	return n->has_held && (!held->n_toolchains ||
			       (held->n_toolchains == 1 &&
				held->toolchains[0].state == WIRE_HELD_OK));
}

/* Kill the node after `ms`; 0: do not kill it, and measure the time. */
static unsigned one_round(struct scene *s, unsigned round, unsigned ms)
{
	struct file f[FILES];
	struct bundle g = { ID, NULL, f, FILES, NULL };
	struct node *n = node_start(s->kfarmd);
	uint64_t at;

	make_files(f, round);
	at = clock_ms();
	node_bundle(n, &g);
	node_wait(n, node_has_have, ms ? ms : 60000);
	if (ms)
		kill(n->pid, SIGKILL);
	node_stop(n);
	free_files(f);
	return (unsigned)(clock_ms() - at);
}

static void interrupted(struct scene *s)
{
	unsigned torn = 0, kept = 0, rounds = 100;
	unsigned most = one_round(s, 0, 0) + 2;

	for (unsigned i = 1; i <= rounds; i++) {
		struct node *n;
		bool there;

		one_round(s, i, 1 + (unsigned)rand() % most);
		n = node_start(s->kfarmd);
		torn += !is_whole(n, &there);
		kept += there;
		if (there)
			node_drop(n, ID);
		node_stop(n);
	}
	printf("      of %u, %u were kept, %u ms at most\n", rounds, kept,
	       most);
	scene_result(s, "tools: killed at 100 moments", !torn, "%u were torn",
		     torn);
}

/* A sandbox of another client holds the flock(2). */
static void in_use(struct scene *s)
{
	struct file f = { .path = "bin/x", .content = text("x") };
	struct bundle g = { ID, NULL, &f, 1, NULL };
	struct node *n = node_start(s->kfarmd);
	char *path = kept_dir(s, "/" ID);
	struct file other = { .path = "bin/x", .content = text("other") };
	bool refused;
	int fd;

	node_bundle(n, &g);
	refused = refuses(n, 60000);
	scene_result(s, "tools: a good one is kept", !refused, "%s",
		     n->has_have ? n->have.detail : "no answer");
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	flock(fd, LOCK_SH);
	refused = !node_drop(n, ID);
	g.files = &other;
	node_bundle(n, &g);
	refused &= refuses(n, 60000);
	close(fd);
	end(s, n, "tools: dropped or replaced while in use", refused, 1);
	n = node_start(s->kfarmd);
	refused = !node_drop(n, "gcc-another");
	end(s, n, "tools: something else dropped", refused, 1);
	n = node_start(s->kfarmd);
	end(s, n, "tools: dropped", node_drop(n, ID), 0);
	free(path);
}

/* ---------------------------------------------------- as native toolchains */

/* evil.c as the driver: it answers driver queries inside a sandbox. */
static void evil_driver(struct scene *s)
{
	struct file f = { .path = "bin/evil",
			  .executable = true,
			  .from = s->evil };
	struct bundle g = { ID, NULL, &f, 1, NULL };
	struct node *n = node_start(s->kfarmd);
	uint32_t cell;
	bool leaks;

	node_bundle(n, &g);
	refuses(n, 60000);
	leaks = node_cell_kept(n, "/c/bin/evil", ID, "/tree", &cell);
	leaks |= (n->has_have && strstr(n->have.detail, s->secret)) ||
		 (n->bye && strstr(n->bye, s->secret));
	s->leaks += leaks;
	node_drop(n, ID);
	end(s, n, "tools: a driver that is none", !leaks, 0);
}

/*
 * Drivers that report files of the node as their parts, so that these would be
 * visible in a sandbox.  `evil' is in the same directory.
 */
static void liars(struct scene *s)
{
	static const char *const names[] = { "cc1",   "as",    "include",
					     "climb", "specs", "config",
					     "loader" };
	char *dir = str_dir(s->evil), *secrets = str_dir(s->canary);

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char *path = xasprintf("bin/%s", names[i]);
		char *from = xasprintf("%s/%s", dir,
				       strcmp(names[i], "loader") ? "liar" :
								    "loader");
		char *driver = xasprintf("/c/bin/%s", names[i]);
		char *name = xasprintf("tools: a driver that lies: %s",
				       names[i]);
		struct file f = { .path = path,
				  .executable = true,
				  .from = from };
		struct bundle g = { ID, NULL, &f, 1, NULL };
		struct node *n = node_start(s->kfarmd);
		uint32_t cell;
		bool ready;

		node_bundle(n, &g);
		refuses(n, 60000);
		ready = node_cell_kept(n, driver, ID, "/tree", &cell);
		s->leaks += ready;
		node_drop(n, ID);
		end(s, n, name,
		    !ready && n->has_have &&
			    n->have.state == WIRE_HAVE_REFUSED &&
			    strstr(n->have.detail, secrets) != NULL,
		    0);
		free(name);
		free(driver);
		free(from);
		free(path);
	}
	free(secrets);
	free(dir);
}

/* Remains are removed, and a small toolchain can still be installed. */
void attack_space(struct scene *s)
{
	const unsigned n_files = 16, size = 1u << 20;
	struct file f[16], small = { .path = "bin/x", .content = text("x") };
	struct bundle g = { ID, NULL, f, n_files, NULL };
	struct node *n = node_start(s->kfarmd);
	bool refused, explained;

	for (unsigned i = 0; i < n_files; i++) {
		uint8_t *content = xmalloc(size);

		memset(content, (int)i, size);
		f[i] = (struct file){ .path = xasprintf("f/%u", i),
				      .content = { content, size } };
	}
	node_bundle(n, &g);
	refused = refuses(n, 60000);
	explained = n->has_have && strcasestr(n->have.detail, "no space left");
	end(s, n, "tools: more than the disk holds", refused && explained, 0);
	n = node_start(s->kfarmd);
	g = (struct bundle){ ID, NULL, &small, 1, NULL };
	node_bundle(n, &g);
	refused = refuses(n, 60000);
	end(s, n, "tools: what the disk holds", !refused, 1);
	for (unsigned i = 0; i < n_files; i++) {
		free((char *)f[i].path);
		free((uint8_t *)f[i].content.data);
	}
}

/* A valid toolchain is installed, and the check detects that. */
static void controls(struct scene *s)
{
	struct file f = { .path = "bin/x", .content = text("x") };
	struct node *n;

	scene_control(s);
	bundle_lie(s, "tools: no lie", ID, &f, 1, NULL);
	scene_control_end(s, "a toolchain that is kept");
	n = node_start(s->kfarmd);
	end(s, n, "tools: none is left of it", node_drop(n, ID), 0);
}

void attack_tools(struct scene *s)
{
	controls(s);
	odd_ids(s);
	odd_paths(s);
	odd_links(s);
	wrong_tree(s);
	wrong_blob(s);
	too_many(s, "tools: 1,000,000 files", 1000000, 10);
	too_many(s, "tools: 60 files of 1 GiB", 60, WIRE_BLOB_MAX);
	floods(s);
	in_use(s);
	evil_driver(s);
	liars(s);
	interrupted(s);
}
