// SPDX-License-Identifier: GPL-2.0-only
#include "model.h"
#include "rig.h"
#include "tap.h"
#include "tests.h"

void test_model(void)
{
	check(model_present(), "present");
}
