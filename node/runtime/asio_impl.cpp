// Compiles Boost.Asio, its TLS part and Boost.Beast once for all programs (separate compilation).

#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>

#include <utility>
