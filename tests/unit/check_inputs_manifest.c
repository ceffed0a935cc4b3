/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: inputs */
#include "../lib/test.h"

#include "inputs/manifest.h"

#include "base/clock.h"
#include "base/spawn.h"
#include "base/which.h"

#include <limits.h>
#include <sys/syscall.h>
#include <time.h>

static char *top; /* without symbolic links */
static char *gcc;
static char *pwd; /* PWD=..., or NULL */
static struct inputs inputs;
static struct inputs_manifest m;

/* The age of trusted checks for struct cpp_unit, in seconds. */
static int trust;

/* How far the local clock is behind that of the file system. */
static time_t behind;

/* The result of clock_us(); 0: the real time. */
static uint64_t still_us;

/* Replaces libc's function. */
int fake_gettime(clockid_t clock,
		 struct timespec *now) __asm__("clock_gettime");

int fake_gettime(clockid_t clock, struct timespec *now)
{
	int ret = (int)syscall(SYS_clock_gettime, clock, now);

	if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
		now->tv_sec -= behind;
	if (clock == CLOCK_MONOTONIC && still_us)
		*now = (struct timespec){ (time_t)(still_us / 1000000),
					  (long)(still_us % 1000000) * 1000 };
	return ret;
}

static char *at(const char *name)
{
	return xasprintf("%s/%s", top, name);
}

static void write_file(const char *name, const char *text)
{
	char *path = at(name);
	struct err err;

	must(fs_write(path, bytes_str(text), 0644, &err));
	free(path);
}

static void remove_file(const char *name)
{
	char *path = at(name);

	ck_assert_int_eq(unlink(path), 0);
	free(path);
}

static void make_link(const char *target, const char *name)
{
	char *path = at(name);

	ck_assert_int_eq(symlink(target, path), 0);
	free(path);
}

static void make_dir(const char *name)
{
	char *path = at(name);

	ck_assert_int_eq(mkdir(path, 0755), 0);
	free(path);
}

static void remove_dir(const char *name)
{
	char *path = at(name);

	ck_assert_int_eq(rmdir(path), 0);
	free(path);
}

static void setup(void)
{
	struct cpp_setup scan = { .query = capture_run };
	char dir[] = "/tmp/kfarm-check-XXXXXX";

	trust = 0;
	still_us = 0;
	ck_assert_ptr_nonnull(mkdtemp(dir));
	top = realpath(dir, NULL);
	gcc = which_compiler("gcc", "/usr/bin:/bin", NULL);
	ck_assert_ptr_nonnull(gcc);
	inputs_init(&inputs, &scan);
	make_dir("one");
	make_dir("two");
	write_file("u.c", "#include <h.h>\n");
	write_file("two/h.h", "int h;\n");
}

static void teardown(void)
{
	struct err err;

	inputs_manifest_release(&m);
	inputs_release(&inputs);
	fs_remove(top, &err);
	free(top);
	free(gcc);
}

/* Scan gcc -Ione -Itwo EXTRA -c u.c again. */
static void make(const char *extra, const char *value)
{
	char *argv[] = { gcc,
			 (char *)"-nostdinc",
			 (char *)"-Ione",
			 (char *)"-Itwo",
			 (char *)"-c",
			 (char *)"u.c",
			 (char *)extra,
			 (char *)value,
			 NULL };
	char *env[] = { (char *)"PATH=/usr/bin:/bin", pwd, NULL };
	struct digest id = { { 1 } };
	struct options_command command;
	struct cpp_unit unit = { .cwd = top,
				 .compiler = gcc,
				 .toolchain = &id,
				 .command = &command,
				 .env = env,
				 .stat_max_age_ns = trust *
						    INT64_C(1000000000) };

	options_command_parse(&command, argv);
	inputs_manifest_release(&m);
	inputs_manifest_make(&m, &inputs, &unit);
	options_command_release(&command);
}

static const struct inputs_entry *entry(const char *name)
{
	char *path = at(name);
	const struct inputs_entry *found = NULL;

	for (size_t i = 0; i < m.n_entries; i++) {
		if (!strcmp(m.entries[i]->path->name, path)) {
			ck_assert_ptr_null(found);
			found = m.entries[i];
		}
	}
	free(path);
	return found;
}

static void expect(const char *name, enum wire_inode_kind kind)
{
	const struct inputs_entry *e = entry(name);

	ck_assert_msg(e, "%s is not listed", name);
	ck_assert_int_eq(e->kind, kind);
}

static void expect_changed(const char *what)
{
	const char *path = inputs_manifest_find_changed(&m, top);

	if (what)
		ck_assert_msg(path && !strcmp(path, what), "%s", path);
	else
		ck_assert_msg(!path, "%s", path);
}

FIXTURE(setup, teardown);
TIMEOUT(120);

/* All file times are then later than the time of the clock. */
TEST(changes_are_detected_if_the_clock_is_far_behind)
{
	struct digest want;

	behind = 400 * 24 * 3600;
	make(NULL, NULL);
	ck_assert_msg(!m.reason, "%s", reason_text(m.reason));
	expect_changed(NULL);
	make(NULL, NULL);
	write_file("two/h.h", "int i;\n");
	expect_changed("two/h.h");
	make(NULL, NULL);
	ck_assert_msg(!m.reason, "%s", reason_text(m.reason));
	digest_bytes(bytes_str("int i;\n"), &want);
	ck_assert(digest_equal(&entry("two/h.h")->file_digest.digest, &want));
	write_file("one/h.h", "int j;\n");
	expect_changed("one/h.h");
	/* The clock is corrected, so the file stamps must be checked again. */
	behind = 0;
	make(NULL, NULL);
	ck_assert_msg(!m.reason, "%s", reason_text(m.reason));
	expect("one/h.h", WIRE_INODE_FILE);
}

TEST(existing_inputs_and_their_directories_are_listed)
{
	struct digest want;

	make(NULL, NULL);
	ck_assert_msg(!m.reason, "%s", reason_text(m.reason));
	expect("u.c", WIRE_INODE_FILE);
	expect("two/h.h", WIRE_INODE_FILE);
	expect("one", WIRE_INODE_DIR);
	expect("two", WIRE_INODE_DIR);
	ck_assert_str_eq(m.cwd->name, top);
	ck_assert_ptr_null(entry("one/h.h"));
	digest_bytes(bytes_str("int h;\n"), &want);
	ck_assert(digest_equal(&entry("two/h.h")->file_digest.digest, &want));
	ck_assert_uint_eq(entry("two/h.h")->file_digest.stamp.size, 7);
	expect_changed(NULL);
}

TEST(unchanged_files_have_the_same_entry_in_a_second_scan)
{
	const struct inputs_entry *c, *h;

	make(NULL, NULL);
	c = entry("u.c");
	h = entry("two/h.h");
	make(NULL, NULL);
	ck_assert_ptr_eq(entry("u.c"), c);
	ck_assert_ptr_eq(entry("two/h.h"), h);
	write_file("two/h.h", "int i;\n");
	make(NULL, NULL);
	ck_assert_ptr_eq(entry("u.c"), c);
	ck_assert_ptr_ne(entry("two/h.h"), h);
}

TEST(changes_after_the_scan_are_detected)
{
	make(NULL, NULL);
	write_file("two/h.h", "int i;\n");
	expect_changed("two/h.h");
	make(NULL, NULL);
	remove_file("two/h.h");
	expect_changed("two/h.h");
	write_file("two/h.h", "int h;\n");
	make(NULL, NULL);
	write_file("one/other.h", "\n");
	expect_changed(NULL);
	write_file("one/h.h", "int j;\n");
	expect_changed("one/h.h");
	make(NULL, NULL);
	expect("one/h.h", WIRE_INODE_FILE);
	ck_assert_ptr_null(entry("two/h.h"));
}

static void expect_content(const char *name, const char *text)
{
	struct digest want;

	digest_bytes(bytes_str(text), &want);
	ck_assert(digest_equal(&entry(name)->file_digest.digest, &want));
}

/* Longer than a tick of the file system's clock. */
static void let_files_settle(void)
{
	usleep(50000);
}

TEST(files_scanned_with_trusted_stamps_are_checked_afterwards)
{
	let_files_settle();
	trust = 3600;
	make(NULL, NULL);
	write_file("two/h.h", "int i;\n");
	make(NULL, NULL);
	expect_content("two/h.h", "int h;\n");
	expect_changed("two/h.h");
	remove_file("two/h.h");
	make(NULL, NULL);
	expect_changed("two/h.h");
	write_file("two/h.h", "int i;\n");
	/* Absent files are checked. */
	write_file("one/h.h", "int j;\n");
	make(NULL, NULL);
	expect_content("one/h.h", "int j;\n");
	remove_file("one/h.h");
	trust = 0;
	make(NULL, NULL);
	expect_content("two/h.h", "int i;\n");
	expect_changed(NULL);
}

TEST(recently_verified_files_are_not_checked_again)
{
	still_us = clock_us();
	make(NULL, NULL);
	still_us++;
	expect_changed(NULL);
	write_file("two/h.h", "int i;\n");
	still_us += INPUTS_VERIFIED_MAX_AGE_US;
	expect_changed(NULL);
	still_us++;
	expect_changed("two/h.h");
	make(NULL, NULL);
	expect_changed(NULL);
	/* A check before the inputs were listed does not count, ... */
	still_us++;
	make(NULL, NULL);
	write_file("two/h.h", "int k;\n");
	expect_changed("two/h.h");
	/* ... unless the compile had been requested by then. */
	m.since_us--;
	expect_changed(NULL);
}

/* Compilers skip a directory with the path of a header. */
TEST(a_directory_in_place_of_a_header_is_no_change_until_it_is_replaced)
{
	make_dir("one/h.h");
	make(NULL, NULL);
	ck_assert_msg(!m.reason, "%s", reason_text(m.reason));
	expect("one/h.h", WIRE_INODE_DIR);
	expect("two/h.h", WIRE_INODE_FILE);
	expect_changed(NULL);
	/* Another file of the directory appears, for example an object. */
	write_file("one/u.o", "");
	expect_changed(NULL);
	remove_dir("one/h.h");
	write_file("one/h.h", "int i;\n");
	expect_changed("one/h.h");
}

/* Links can have new targets. */
TEST(the_target_of_a_link_is_always_checked)
{
	write_file("two/h.h", "#include <l.h>\n");
	write_file("two/x.h", "int i;\n");
	make_link("x.h", "two/l.h");
	still_us = clock_us();
	make(NULL, NULL);
	expect_changed(NULL);
	write_file("two/x.h", "int k;\n");
	expect_changed("two/l.h");
}

TEST(a_rewritten_file_is_reported_or_has_its_new_digest)
{
	trust = 3600;
	for (int i = 0; i < 50; i++) {
		write_file("two/h.h", i % 2 ? "int i;\n" : "int k;\n");
		make(NULL, NULL);
		if (!inputs_manifest_find_changed(&m, top))
			expect_content("two/h.h",
				       i % 2 ? "int i;\n" : "int k;\n");
	}
}

TEST(a_scan_that_fails_with_trusted_stamps_is_repeated)
{
	write_file("two/h.h", "#include <nosuch.h>\n");
	let_files_settle();
	trust = 3600;
	make(NULL, NULL);
	ck_assert_int_eq(m.reason, REASON_NO_HEADER);
	write_file("two/h.h", "int i;\n");
	make(NULL, NULL);
	ck_assert_msg(!m.reason, "%s", reason_text(m.reason));
	expect_content("two/h.h", "int i;\n");
}

TEST(removed_inputs_are_listed_as_absent)
{
	write_file("one/h.h", "int j;\n");
	make(NULL, NULL);
	expect("one/h.h", WIRE_INODE_FILE);
	remove_file("one/h.h");
	make(NULL, NULL);
	expect("one/h.h", WIRE_INODE_ABSENT);
	expect("two/h.h", WIRE_INODE_FILE);
	remove_dir("one");
	make(NULL, NULL);
	expect("one", WIRE_INODE_ABSENT);
	ck_assert_ptr_null(entry("one/h.h"));
}

TEST(symbolic_links_and_their_targets_are_listed)
{
	remove_file("two/h.h");
	make_dir("deep");
	write_file("deep/real.h", "int h;\n");
	make_link("../deep/real.h", "two/h.h");
	make_link("two", "three");
	make("-Ithree", NULL);
	ck_assert_msg(!m.reason, "%s", reason_text(m.reason));
	expect("two/h.h", WIRE_INODE_SYMLINK);
	ck_assert_str_eq(entry("two/h.h")->target, "../deep/real.h");
	expect("deep/real.h", WIRE_INODE_FILE);
	expect("three", WIRE_INODE_SYMLINK);
	expect_changed(NULL);
	/* Another file with the same content and times. */
	remove_file("two/h.h");
	write_file("deep/other.h", "int h;\n");
	make_link("../deep/other.h", "two/h.h");
	expect_changed("two/h.h");
	make("-Ithree", NULL);
	expect("deep/other.h", WIRE_INODE_FILE);
	ck_assert_ptr_null(entry("deep/real.h"));
}

/* The header behind the link is unchanged. */
TEST(a_replaced_link_to_a_directory_is_detected)
{
	char *link = at("three");

	remove_file("two/h.h");
	make_dir("deep");
	make_dir("other");
	write_file("deep/h.h", "int h;\n");
	write_file("other/h.h", "int i;\n");
	make_link("deep", "three");
	make("-Ithree", NULL);
	expect_changed(NULL);
	remove_file("three");
	make_link("other", "three");
	expect_changed(link);
	/* The link is restored, but a compiler can have followed the other. */
	remove_file("three");
	make_link("deep", "three");
	expect_changed(link);
	make("-Ithree", NULL);
	expect_changed(NULL);
	free(link);
}

TEST(a_symbolic_link_in_pwd_is_listed)
{
	char *name = xasprintf("%s-link", top);

	pwd = xasprintf("PWD=%s", name);
	ck_assert_int_eq(symlink(top, name), 0);
	make(NULL, NULL);
	unlink(name);
	ck_assert_msg(!m.reason, "%s", reason_text(m.reason));
	for (size_t i = 0; i < m.n_entries; i++) {
		if (!strcmp(m.entries[i]->path->name, name)) {
			ck_assert_int_eq(m.entries[i]->kind,
					 WIRE_INODE_SYMLINK);
			free(name);
			return;
		}
	}
	ck_abort_msg("no link");
}

TEST(a_unit_that_cannot_be_scanned_has_a_reason)
{
	write_file("u.c", "#include <nowhere.h>\n");
	make(NULL, NULL);
	ck_assert_int_ne(m.reason, REASON_NONE);
	write_file("u.c", "#include <h.h>\n");
	make(NULL, NULL);
	ck_assert_msg(!m.reason, "%s", reason_text(m.reason));
}

/* Input of the assembler that a node must not receive. */
static const struct refused {
	enum reason why;
	const char *name, *near;
	/* length to which the path is padded; 0: unchanged */
	size_t len, near_len;
} refused[] = {
	{ REASON_INPUT_NOT_FILE, "/dev/null", "two/h.h", 0, 0 },
	{ REASON_INPUT_LARGE, "large", "full", 0, 0 },
	{ REASON_INPUT_UNREADABLE, "secret", "full", 0, 0 },
	{ REASON_INPUT_LONG_PATH, "full", "full", PATH_MAX - 1, PATH_MAX - 2 },
};

/* `len`: make the path absolute and of that length. */
static void make_with_input(const char *name, size_t len)
{
	struct buf path = { 0 };
	char *text;

	if (len) {
		buf_printf(&path, "%s/", top);
		while (path.len + strlen(name) + 1 < len)
			buf_add_str(&path, "./");
		if (path.len + strlen(name) < len)
			buf_add_str(&path, "/");
	}
	buf_add_str(&path, name);
	ck_assert(!len || path.len == len);
	text = xasprintf("asm(\".incbin \\\"%s\\\"\");\n", buf_str(&path));
	write_file("u.c", text);
	make(NULL, NULL);
	free(text);
	buf_release(&path);
}

TEST_EACH(an_input_that_cannot_be_sent_has_a_reason, refused)
{
	char *large = at("large"), *full = at("full"), *secret = at("secret");

	write_file("large", "");
	write_file("full", "");
	write_file("secret", "");
	ck_assert_int_eq(truncate(large, ((off_t)1 << 30) + 1), 0);
	ck_assert_int_eq(truncate(full, 4096), 0);
	ck_assert_int_eq(chmod(secret, 0), 0);
	make_with_input(row->near, row->near_len);
	ck_assert_msg(!m.reason, "%s: %s", row->near, reason_text(m.reason));
	/* root can read every file, so drop its privileges. */
	if (!geteuid()) {
		char *unit = at("u.c");

		ck_assert_int_eq(chown(top, 65534, 65534), 0);
		ck_assert_int_eq(chown(unit, 65534, 65534), 0);
		ck_assert_int_eq(seteuid(65534), 0);
		free(unit);
	}
	make_with_input(row->name, row->len);
	ck_assert_msg(m.reason == row->why, "%s: %s", row->name,
		      reason_text(m.reason));
	if (!getuid())
		ck_assert_int_eq(seteuid(0), 0);
	free(large);
	free(full);
	free(secret);
}

/* Names that lead to another file in each process; `link` is /dev/stdin. */
static const char *const process_names[] = {
	"#include \"/dev/stdin\"\n",
	"#include \"/dev/fd/0\"\n",
	"#include \"/proc/self/fd/0\"\n",
	"#include \"/proc/self/cwd/two/h.h\"\n",
	"#include \"link\"\n",
	"#if __has_include(\"/proc/self/fd/999\")\n#endif\n",
};

TEST_EACH(a_name_that_depends_on_the_process_is_rejected, process_names)
{
	char *header = at("two/h.h");
	int fd = open(header, O_RDONLY | O_CLOEXEC);

	ck_assert_int_eq(dup2(fd, 0), 0);
	ck_assert_int_eq(chdir(top), 0);
	make_link("/dev/stdin", "link");
	write_file("u.c", *row);
	make(NULL, NULL);
	ck_assert_msg(m.reason == REASON_INPUT_NOT_FILE, "%s: %s (%s)", *row,
		      reason_text(m.reason), m.detail ? m.detail : "");
	close(fd);
	free(header);
}

/* In debug information, clang gives both files the name of one. */
TEST(hard_linked_inputs_are_rejected_for_clang)
{
	char *clang = which_compiler("clang", "/usr/bin:/bin", NULL);
	char *header = at("two/h.h"), *same = at("one/same.h"), *was = gcc;

	if (!clang)
		SKIP("no clang");
	write_file("u.c", "#include <h.h>\n#include \"one/same.h\"\n");
	write_file("one/same.h", "int h;\n");
	gcc = clang;
	make(NULL, NULL);
	ck_assert_msg(!m.reason, "%s", reason_text(m.reason));
	ck_assert_int_eq(unlink(same), 0);
	ck_assert_int_eq(link(header, same), 0);
	make(NULL, NULL);
	ck_assert_int_eq(m.reason, REASON_INPUT_HARD_LINK);
	/* A symbolic link is an entry of its own. */
	ck_assert_int_eq(unlink(same), 0);
	make_link("../two/h.h", "one/same.h");
	make(NULL, NULL);
	ck_assert_msg(!m.reason, "%s", reason_text(m.reason));
	gcc = was;
	ck_assert_int_eq(unlink(same), 0);
	ck_assert_int_eq(link(header, same), 0);
	make(NULL, NULL);
	ck_assert_msg(!m.reason, "%s", reason_text(m.reason));
	free(clang);
	free(header);
	free(same);
}

TEST(files_read_are_found_in_any_order)
{
	size_t cursor = 0;

	make(NULL, NULL);
	ck_assert(inputs_manifest_find_spelling(&m, "u.c", &cursor));
	ck_assert(inputs_manifest_find_spelling(&m, "two/h.h", &cursor));
	ck_assert(inputs_manifest_find_spelling(&m, "./u.c", &cursor));
	ck_assert(!inputs_manifest_find_spelling(&m, "one/h.h", &cursor));
	ck_assert(!inputs_manifest_find_spelling(&m, "", &cursor));
	ck_assert(!inputs_manifest_find_spelling(&m, "/etc/shadow", &cursor));
	ck_assert(inputs_manifest_find_spelling(&m, "two/h.h", &cursor));
}

TEST(find_file_accepts_any_spelling_of_a_read_file)
{
	size_t cursor = 0;

	make_link("two", "three");
	write_file("one/other.h", "");
	make(NULL, NULL);
	ck_assert(
		!inputs_manifest_find_spelling(&m, "one/../two/h.h", &cursor));
	ck_assert(
		inputs_manifest_find_file(&m, top, "one/../two/h.h", &cursor));
	ck_assert_str_eq(m.closure.files[cursor - 1].path, "two/h.h");
	ck_assert(inputs_manifest_find_file(&m, top, "three/h.h", &cursor));
	ck_assert(!inputs_manifest_find_file(&m, top, "one/other.h", &cursor));
	ck_assert(!inputs_manifest_find_file(&m, top, "two/none.h", &cursor));
	ck_assert(!inputs_manifest_find_file(&m, top, "/etc/passwd", &cursor));
}

TEST(each_output_path_is_a_link_to_an_output_of_the_job)
{
	make_dir("out");
	make_link("out", "way");
	make("-fstack-usage", "-oway/u.o");
	ck_assert_msg(!m.reason, "%s", reason_text(m.reason));
	expect("way", WIRE_INODE_SYMLINK);
	expect("out/u.o", WIRE_INODE_SYMLINK);
	ck_assert_str_eq(entry("out/u.o")->target, WIRE_JOB_OBJECT);
	expect("out/u.su", WIRE_INODE_SYMLINK);
	ck_assert_str_eq(entry("out/u.su")->target, WIRE_JOB_SIDE "0");
	/* These paths are not inputs, so existing files do not count. */
	write_file("out/u.o", "");
	write_file("out/u.su", "");
	expect_changed(NULL);
	make("-fstack-usage", "-oway/u.o");
	expect("out/u.su", WIRE_INODE_SYMLINK);
	make(NULL, NULL);
	ck_assert_ptr_null(entry("out/u.o"));
}

TEST(an_output_that_is_read_or_has_no_directory_is_rejected)
{
	write_file("u.c", "#include \"u.su\"\n");
	write_file("u.su", "int su;\n");
	make("-fstack-usage", NULL);
	ck_assert_int_eq(m.reason, REASON_UNSUPPORTED_OUTPUT_NAME);
	make("-fstack-usage", "-onowhere/u.o");
	ck_assert_int_eq(m.reason, REASON_UNSUPPORTED_OUTPUT_NAME);
}
