#include "tocsin/core/source.hpp"
