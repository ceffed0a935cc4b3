/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
#include "../lib/test.h"

#include "base/metrics.h"

static const struct {
	const char *labels[5];
	double value;
	const char *want;
} samples[] = {
	{ { NULL }, 0, "x 0\n" },
	{ { NULL }, 1.5, "x 1.5\n" },
	{ { NULL }, 1795000000.25, "x 1795000000.25\n" },
	{ { NULL }, 9007199254740993.0, "x 9.00719925474099e+15\n" },
	{ { "a", "b", NULL }, 1, "x{a=\"b\"} 1\n" },
	{ { "a", "b", "c", "", NULL }, 1, "x{a=\"b\",c=\"\"} 1\n" },
	{ { "a", "\"\\\n{}", NULL }, 1, "x{a=\"\\\"\\\\\\n{}\"} 1\n" },
	{ { "a", "\xc3\xa9", NULL }, 1, "x{a=\"\xc3\xa9\"} 1\n" },
	{ { "a", "\xff", NULL }, 1, "x{a=\"\xef\xbf\xbd\"} 1\n" },
};

TEST_EACH(a_sample_has_labels_and_a_value, samples)
{
	struct buf b = { 0 };

	metrics_add_sample(&b, "x", row->labels, row->value);
	ck_assert_str_eq(buf_str(&b), row->want);
	buf_release(&b);
}

TEST(the_type_of_a_metric_precedes_its_samples)
{
	struct buf b = { 0 };

	metrics_add_head(&b, "x_total", METRICS_COUNTER, "All x.");
	metrics_add_sample(&b, "x_total", NULL, 3);
	ck_assert_str_eq(buf_str(&b), "# HELP x_total All x.\n"
				      "# TYPE x_total counter\nx_total 3\n");
	buf_release(&b);
}
