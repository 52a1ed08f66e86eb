// What every test reads, read once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "standard.hpp"
