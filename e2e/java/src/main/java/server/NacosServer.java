package server;

import com.alibaba.nacos.core.code.ControllerMethodsCache;
import org.springframework.beans.factory.InitializingBean;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.actuate.autoconfigure.security.servlet.ManagementWebSecurityAutoConfiguration;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.autoconfigure.security.servlet.SecurityAutoConfiguration;
import org.springframework.boot.autoconfigure.security.servlet.UserDetailsServiceAutoConfiguration;
import org.springframework.boot.web.servlet.ServletComponentScan;
import org.springframework.context.annotation.Bean;
import org.springframework.scheduling.annotation.EnableScheduling;

/**
 * Starts the server modules of Nacos. The official main class lives in the console module, which is not on
 * Maven Central; so there is no login either, and Spring Security, which would ask for one, is left out.
 */
@SpringBootApplication(
        scanBasePackages = "com.alibaba.nacos",
        exclude = {
            SecurityAutoConfiguration.class,
            UserDetailsServiceAutoConfiguration.class,
            ManagementWebSecurityAutoConfiguration.class
        })
@ServletComponentScan("com.alibaba.nacos")
@EnableScheduling
public class NacosServer {

    public static void main(String[] args) {
        SpringApplication.run(NacosServer.class, args);
    }

    /** The server's own filters look up the controller method of a request in this cache. */
    @Bean
    public InitializingBean controllerMethods(ControllerMethodsCache cache) {
        return () -> {
            cache.initClassMethod("com.alibaba.nacos.core.controller");
            cache.initClassMethod("com.alibaba.nacos.naming.controllers");
            cache.initClassMethod("com.alibaba.nacos.config.server.controller");
        };
    }
}
