#include <arpa/inet.h>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <thread>
#include <unistd.h>

static std::string answer()
{
	utsname name;
	std::ostringstream out;

	if (uname(&name))
		throw std::runtime_error("uname");
	out << "HTTP/1.0 200 OK\r\n\r\nhello from C++ on " << name.sysname << '/' << name.machine << '\n';
	return out.str();
}

static void serve(int client)
{
	std::string request, text = answer();
	char piece[1024];

	while (request.find("\r\n\r\n") == std::string::npos) {
		ssize_t length = read(client, piece, sizeof(piece));
		if (length <= 0)
			break;
		request.append(piece, length);
	}
	if (write(client, text.data(), text.size()) < 0)
		std::cerr << "a client is gone" << std::endl;
	close(client);
}

int main()
{
	sockaddr_in address = {};
	int server = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_family = AF_INET;
	address.sin_port = htons(8080);
	if (bind(server, reinterpret_cast<sockaddr *>(&address), sizeof(address)) || listen(server, 128)) {
		std::cerr << "the port is taken" << std::endl;
		return 1;
	}
	for (int client; (client = accept(server, nullptr, nullptr)) >= 0;)
		std::thread(serve, client).detach();
}
