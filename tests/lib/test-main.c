// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * check_ROOM_TOPIC [--list | NAME...] - run the tests of this program
 *
 * Without names, run all tests.  --list prints the name of each test and the
 * number of its runs.  CK_VERBOSITY and the other variables of libcheck apply.
 */
#include "test.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FIXTURES_MAX 4
#define NAME_MAX_LEN 200
#define LABEL_MAX    40

#define MARKS_MAX        100 /* marks of a test without a minimum interval */
#define MARK_INTERVAL_US 10000

struct fixture {
	SFun set_up, tear_down;
	bool once;
};

struct test_case {
	struct fixture fixtures[FIXTURES_MAX];
	int n_fixtures;
	double timeout; /* seconds; 0: the default of libcheck */
	bool has_tests;
	struct test_case *next;
};

#undef _mark_point
void test_mark(const char *file, int line)
{
	static unsigned n_marks;
	static uint64_t last_us;
	uint64_t now_us;

	if (n_marks++ >= MARKS_MAX) {
		now_us = clock_us();
		if (now_us - last_us < MARK_INTERVAL_US)
			return;
		last_us = now_us;
	}
	_mark_point(file, line);
}

/* Constructors fill both lists in the order of the source before main(). */
static struct test *tests, **tests_end = &tests;
static struct test_case first_case, *last_case = &first_case;
/* One per run of a test, because the name contains the row. */
static TTest *runs;
static char skip_reason[256];

#ifdef __SANITIZE_ADDRESS__
#include <link.h>
#include <sanitizer/lsan_interface.h>

/*
 * LeakSanitizer runs at the end of each test.  By default it scans the global
 * variables of all libraries, including 11 MiB of the sanitizers' own, which
 * takes 50 ms.  Scan only the libraries that have pointers to allocated memory,
 * because LeakSanitizer reads /proc/self/maps once for each root region.
 */
const char *__lsan_default_options(void);

__attribute__((used)) const char *__lsan_default_options(void)
{
	return "use_globals=0";
}

/* gcc does not install the header that declares these functions. */
size_t __sanitizer_get_current_allocated_bytes(void);
int __sanitizer_get_ownership(const volatile void *p);

/* size and alignment of the address range of small allocations */
#define SMALL_SIZE 0x40000000000

static uintptr_t small_start; /* depends on the release of the compiler */

/*
 * Return true if a word of the segment can be a pointer to allocated memory: a
 * word in the address range of small allocations, or the address of a large
 * one, which is mapped above it.
 */
__attribute__((no_sanitize("address"))) static bool has_heap_pointer(
	const uintptr_t *words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (words[i] >= small_start && words[i] >> 47 == 0 &&
		    (words[i] < small_start + SMALL_SIZE ||
		     __sanitizer_get_ownership((void *)words[i])))
			return true;
	}
	return false;
}

static int add_roots(struct dl_phdr_info *module, size_t size, void *ctx)
{
	(void)size, (void)ctx;
	if (strstr(module->dlpi_name, "/libasan.so") ||
	    strstr(module->dlpi_name, "/libubsan.so"))
		return 0;
	for (int i = 0; i < module->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &module->dlpi_phdr[i];
		uintptr_t start = module->dlpi_addr + segment->p_vaddr;
		uintptr_t end = start + segment->p_memsz;

		if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_W))
			continue;
		start = (start + 7) & ~(uintptr_t)7;
		if (has_heap_pointer((const uintptr_t *)start,
				     (end - start) / 8))
			__lsan_register_root_region((void *)start, end - start);
	}
	return 0;
}

static void find_roots(void)
{
	void *small = xmalloc(1);

	small_start = (uintptr_t)small & -SMALL_SIZE;
	free(small);
	dl_iterate_phdr(add_roots, NULL);
}

/* Allocated bytes at the start of the test of this process. */
static size_t bytes_at_start = SIZE_MAX;

/* Called first in the process of each test. */
static void note_start(void)
{
	mark_point(); /* libcheck allocates the buffer of its messages */
	bytes_at_start = __sanitizer_get_current_allocated_bytes();
}

/*
 * Return true to omit the leak check of this process: a test that has freed as
 * much memory as it has allocated has no leak.  The check takes most of the
 * time of a short test.
 */
int __lsan_is_turned_off(void);

__attribute__((used)) int __lsan_is_turned_off(void)
{
	return __sanitizer_get_current_allocated_bytes() == bytes_at_start;
}

/* Register at exit, because a test can load libraries. */
__attribute__((constructor)) static void find_roots_at_exit(void)
{
	atexit(find_roots);
}
#else
static void note_start(void)
{
}
#endif

/* Return the case for a declaration: a new one behind a test. */
static struct test_case *case_to_declare(void)
{
	if (last_case->has_tests) {
		last_case->next = xcalloc(1, sizeof(*last_case));
		last_case = last_case->next;
	}
	return last_case;
}

static void add_fixture(SFun set_up, SFun tear_down, bool once)
{
	struct test_case *c = case_to_declare();

	if (c->n_fixtures == FIXTURES_MAX) {
		fputs("lib/test-main: too many fixtures\n", stderr);
		abort();
	}
	c->fixtures[c->n_fixtures++] = (struct fixture){
		.set_up = set_up,
		.tear_down = tear_down,
		.once = once,
	};
}

void test_add_fixture(SFun set_up, SFun tear_down)
{
	add_fixture(set_up, tear_down, false);
}

void test_add_fixture_once(SFun set_up, SFun tear_down)
{
	add_fixture(set_up, tear_down, true);
}

void test_set_timeout(double seconds)
{
	case_to_declare()->timeout = seconds;
}

void test_add(struct test *test)
{
	last_case->has_tests = true;
	test->test_case = last_case;
	*tests_end = test;
	tests_end = &test->next;
}

void test_skip(const char *reason, ...)
{
	va_list args;

	va_start(args, reason);
	vsnprintf(skip_reason, sizeof(skip_reason), reason, args);
	va_end(args);
}

bool test_is_skipped(void)
{
	return *skip_reason;
}

void test_report_skip(void)
{
	if (test_is_skipped())
		dprintf(STDOUT_FILENO, "%s: skipped: %s\n", tcase_name(),
			skip_reason);
}

char *test_read_file(const char *path)
{
	struct buf content = { 0 };
	struct err err = { 0 };

	must(fs_read(path, 64 << 20, &content, &err));
	return buf_steal(&content);
}

/*
 * Write the row's first member to `label` if it is a string constant, that is
 * printable text in the image of the program.
 */
__attribute__((no_sanitize("address", "undefined"))) static void label_row(
	char label[static LABEL_MAX], const struct test *test, int i)
{
	extern const char __executable_start, _end;
	const char *text;
	int n = 0;

	label[0] = '\0';
	if (!test->rows || test->row_size < sizeof(text))
		return;
	memcpy(&text, (const char *)test->rows + i * test->row_size,
	       sizeof(text));
	if ((uintptr_t)text < (uintptr_t)&__executable_start ||
	    (uintptr_t)text >= (uintptr_t)&_end)
		return;
	for (; n < LABEL_MAX - 1 && text[n]; n++) {
		if (!isprint((unsigned char)text[n]) && text[n] != '\n' &&
		    text[n] != '\t')
			break;
		/* A colon separates the fields of libcheck's output. */
		label[n] = isprint((unsigned char)text[n]) && text[n] != ':' ?
				   text[n] :
				   ' ';
	}
	label[n] = '\0';
}

/* The suite of check_ROOM_TOPIC_MORE is ROOM/TOPIC-MORE. */
static char *suite_name(const char *file)
{
	char *name = xstrdup(str_base(file) + strlen("check_"));

	name[strcspn(name, ".")] = '\0';
	for (char *c = name; *c; c++)
		if (*c == '_')
			*c = strchr(name, '/') ? '-' : '/';
	return name;
}

static bool is_selected(const struct test *test, char **names)
{
	if (!*names)
		return true;
	for (; *names; names++)
		if (!strcmp(test->ttest.name, *names))
			return true;
	return false;
}

static void add_runs(TCase *tcase, const struct test *test)
{
	for (int i = test->from; i < test->to; i++) {
		char label[LABEL_MAX];
		TTest *run = runs++;

		*run = test->ttest;
		label_row(label, test, i);
		if (*label)
			run->name = xasprintf("%s[%s]", test->ttest.name,
					      label);
		_tcase_add_test(tcase, run, test->signal, test->exit_status, i,
				i + 1);
	}
}

static TCase *make_case(const struct test_case *c, const char *name)
{
	TCase *tcase = tcase_create(name);

	tcase_add_checked_fixture(tcase, note_start, NULL);
	for (int i = 0; i < c->n_fixtures; i++) {
		const struct fixture *f = &c->fixtures[i];

		if (f->once)
			tcase_add_unchecked_fixture(tcase, f->set_up,
						    f->tear_down);
		else
			tcase_add_checked_fixture(tcase, f->set_up,
						  f->tear_down);
	}
	if (c->timeout > 0)
		tcase_set_timeout(tcase, c->timeout);
	return tcase;
}

static Suite *make_suite(const char *name, char **names)
{
	Suite *suite = suite_create(name);
	size_t n_runs = 0;

	for (struct test *t = tests; t; t = t->next)
		n_runs += t->to > t->from ? t->to - t->from : 0;
	runs = xcalloc(n_runs + 1, sizeof(*runs));
	for (struct test_case *c = &first_case; c; c = c->next) {
		const char *slash = strchr(name, '/');
		TCase *tcase = make_case(c, slash ? slash + 1 : name);

		for (struct test *t = tests; t; t = t->next)
			if (t->test_case == c && is_selected(t, names))
				add_runs(tcase, t);
		suite_add_tcase(suite, tcase);
	}
	return suite;
}

static bool is_test(const char *name)
{
	for (struct test *t = tests; t; t = t->next)
		if (!strcmp(t->ttest.name, name))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	SRunner *runner;
	char *name;
	int failed;

	if (argc > 1 && !strcmp(argv[1], "--list")) {
		for (struct test *t = tests; t; t = t->next)
			printf("%s %d\n", t->ttest.name, t->to - t->from);
		return EXIT_SUCCESS;
	}
	for (int i = 1; i < argc; i++) {
		if (!is_test(argv[i])) {
			fprintf(stderr, "%s: no such test\n", argv[i]);
			return 2;
		}
	}
	name = suite_name(tests->ttest.file);
	runner = srunner_create(make_suite(name, argv + 1));
	/* nohup, or a shell's &, can have set them to ignored. */
	for (int i = SIGHUP; i <= SIGQUIT; i++)
		signal(i, SIG_DFL);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	free(name);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
